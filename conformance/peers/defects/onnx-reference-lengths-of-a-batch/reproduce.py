"""nonpad_kv_seqlen of a batch of two ends in an error of NumPy."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

names = ["Q", "K", "V", "", "", "", "nonpad_kv_seqlen"]
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [2, 1, 3, 4]) for name in names[:3]]
inputs.append(helper.make_tensor_value_info("nonpad_kv_seqlen", TensorProto.INT64, [2]))
output = helper.make_tensor_value_info("Y", TensorProto.FLOAT, [2, 1, 3, 4])
node = helper.make_node("Attention", names, ["Y"])
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, [output]), opset_imports=[helper.make_opsetid("", 24)]
)
feeds = {name: np.ones([2, 1, 3, 4], np.float32) for name in names[:3]}
try:
    (result,) = ReferenceEvaluator(model).run(None, {**feeds, "nonpad_kv_seqlen": np.array([3, 2])})
except ValueError as error:
    print(f"onnx {onnx.__version__}: ValueError: {error}")
    sys.exit(1)
print(f"onnx {onnx.__version__}: {result.ravel()[:4]}, expected ones")
sys.exit(0 if np.allclose(result, 1) else 1)
