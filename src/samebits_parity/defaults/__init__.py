"""What equal names mean in each library: signatures, and behaviour measured on tiny inputs."""
