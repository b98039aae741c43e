"""A mask that broadcasts to [N, H, L, S] and has rank 1 or 0 ends in an IndexError."""
import sys

import torch
import torch.nn.functional as F

torch.manual_seed(0)
query, key, value = torch.randn(1, 2, 3, 4), torch.randn(1, 2, 5, 4), torch.randn(1, 2, 5, 4)
mask = torch.tensor([True, True, True, False, True])
expected = F.scaled_dot_product_attention(query, key, value, attn_mask=mask.expand(3, 5))
try:
    actual = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
except IndexError as error:
    print(f"torch {torch.__version__}: IndexError: {error}")
    sys.exit(1)
print(f"torch {torch.__version__}: {actual.ravel()[:4]}, expected {expected.ravel()[:4]}")
sys.exit(0 if torch.allclose(actual, expected) else 1)
