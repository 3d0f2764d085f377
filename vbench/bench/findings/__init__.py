"""What a finished measurement must be read with: its warnings."""
