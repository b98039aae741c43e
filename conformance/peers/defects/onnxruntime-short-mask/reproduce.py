"""A mask whose last axis is shorter than the keys is to be padded with negative infinity, and is refused."""
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

shapes = {"Q": [1, 1, 2, 4], "K": [1, 1, 3, 4], "V": [1, 1, 3, 4]}
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
inputs.append(helper.make_tensor_value_info("attn_mask", TensorProto.BOOL, [2, 2]))
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [1, 1, 2, 4])
node = helper.make_node("Attention", ["Q", "K", "V", "attn_mask"], ["Y"])
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, [output]), opset_imports=[helper.make_opsetid("", 24)]
)
model.ir_version = 10
ort.set_default_logger_severity(4)
feeds = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
feeds["V"] = np.repeat(np.float32([1, 2, 9]), 4).reshape(1, 1, 3, 4)
try:
    session = ort.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    (result,) = session.run(None, {**feeds, "attn_mask": np.ones([2, 2], bool)})
except Exception as error:
    print(f"onnxruntime {ort.__version__}: {error}")
    sys.exit(1)
print(f"onnxruntime {ort.__version__}: {result.ravel()}, expected 1.5 everywhere")
sys.exit(0 if np.allclose(result, 1.5) else 1)
