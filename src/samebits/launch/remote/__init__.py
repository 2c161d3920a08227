"""What runs on this machine if trials run on others: Ray and Slurm."""
