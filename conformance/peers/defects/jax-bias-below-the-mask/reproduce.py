"""Excluded scores are set to a finite number: keys with a lower bias lose to them."""
import sys

import jax
import jax.numpy as jnp

query = key = jnp.ones((1, 2, 1, 2))
value = jnp.array([1.0, 9.0]).reshape(1, 2, 1, 1) * jnp.ones((1, 2, 1, 2))
bias = jnp.full((1, 1, 2, 2), jnp.finfo(jnp.float32).min)
causal = jax.nn.dot_product_attention(query, key, value, bias=bias, is_causal=True)[0, 0, 0]
first = jnp.array([True, False]).reshape(1, 1, 1, 2)
masked = jax.nn.dot_product_attention(query, key, value, bias=bias, mask=first)[0, 0, 0]
print(f"jax {jax.__version__}: causal {causal}, masked {masked}, expected [1. 1.]")
sys.exit(0 if jnp.allclose(causal, 1) and jnp.allclose(masked, 1) else 1)
