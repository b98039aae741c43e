"""A padding mask [B, 1, 1, Lk] broadcasts to [B, Hq, Lq, Lk] and is refused."""
import sys

import numpy as np
import onnxruntime as ort
from onnx import TensorProto, helper

shapes = {"Q": [2, 1, 2, 4], "K": [2, 1, 3, 4], "V": [2, 1, 3, 4]}
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
inputs.append(helper.make_tensor_value_info("attn_mask", TensorProto.BOOL, [2, 1, 1, 3]))
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [2, 1, 2, 4])
node = helper.make_node("Attention", ["Q", "K", "V", "attn_mask"], ["Y"])
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, [output]), opset_imports=[helper.make_opsetid("", 23)]
)
model.ir_version = 10
options = ort.SessionOptions()
options.log_severity_level = 4
session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
feeds = {name: np.ones(shape, np.float32) for name, shape in shapes.items()}
mask = np.array([[True, True, False], [True, False, False]]).reshape(2, 1, 1, 3)
try:
    (result,) = session.run(None, {**feeds, "attn_mask": mask})
except Exception as error:
    print(f"onnxruntime {ort.__version__}: {error}")
    sys.exit(1)
print(f"onnxruntime {ort.__version__}: {result.ravel()[:4]}, expected ones")
sys.exit(0 if np.allclose(result, 1) else 1)
