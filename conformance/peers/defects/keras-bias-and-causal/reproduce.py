"""keras.ops.dot_product_attention takes a bias, and is_causal; on the PyTorch backend not both."""
import os
import sys

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import numpy as np  # noqa: E402

query = np.ones([1, 2, 1, 4], np.float32)
value = np.float32([1, 9]).reshape(1, 2, 1, 1) * query
try:
    result = keras.ops.dot_product_attention(
        query, query, value, bias=np.zeros([1, 1, 2, 2], np.float32), is_causal=True
    )
except RuntimeError as error:
    print(f"keras {keras.__version__}: RuntimeError: {error}")
    sys.exit(1)
first = keras.ops.convert_to_numpy(result)[0, 0, 0]
print(f"keras {keras.__version__}: {first}, expected ones")
sys.exit(0 if np.allclose(first, 1) else 1)
