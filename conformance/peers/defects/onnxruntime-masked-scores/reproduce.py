"""The scores with the mask, qk_matmul_output_mode 2, hold the lowest float32 where the mask is false."""
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

shapes = {"Q": [1, 1, 1, 4], "K": [1, 1, 2, 4], "V": [1, 1, 2, 4]}
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
inputs.append(helper.make_tensor_value_info("attn_mask", TensorProto.BOOL, [1, 2]))
outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "scores")]
node = helper.make_node(
    "Attention", ["Q", "K", "V", "attn_mask"], ["Y", "", "", "scores"], qk_matmul_output_mode=2, scale=1.0
)
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, outputs), opset_imports=[helper.make_opsetid("", 24)]
)
model.ir_version = 10
session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
feeds = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
(scores,) = session.run(["scores"], {**feeds, "attn_mask": np.array([[True, False]])})
print(f"onnxruntime {ort.__version__}: {scores.ravel()}, expected [4, -inf]")
sys.exit(0 if np.array_equal(scores.ravel(), [4, -np.inf]) else 1)
