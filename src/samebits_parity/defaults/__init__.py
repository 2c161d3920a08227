"""What equal names mean in each library: signatures, and behaviour that was measured on tiny inputs."""
