"""local_window_size=(left, right) without a mask or lengths excludes no key at all."""
import sys

import jax
import jax.numpy as jnp

query = jnp.ones((1, 4, 1, 4))
value = jnp.eye(4).reshape(1, 4, 1, 4)
# The value of key j is the j-th unit vector: the output of a query is its weights.
weights = jax.nn.dot_product_attention(query, query, value, local_window_size=(1, 0))[0, :, 0]
expected = jnp.array([[1, 0, 0, 0], [0.5, 0.5, 0, 0], [0, 0.5, 0.5, 0], [0, 0, 0.5, 0.5]])
print(f"jax {jax.__version__}: weights {weights.tolist()}, expected {expected.tolist()}")
sys.exit(0 if jnp.allclose(weights, expected) else 1)
