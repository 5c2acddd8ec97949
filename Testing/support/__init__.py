"""What several tests build on: small model folders, images with known answers."""
