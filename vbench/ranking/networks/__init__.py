"""Networks that rank, one module each; all imports of jax are here, in training and in towers."""
