"""qk_matmul_output_mode 0 is the product of queries and keys; with a softcap the evaluator gives the capped scores."""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

names = ["Q", "K", "V"]
inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 1, 1, 4]) for name in names]
outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in ("Y", "scores")]
node = helper.make_node(
    "Attention", names, ["Y", "", "", "scores"], qk_matmul_output_mode=0, scale=1.0, softcap=1.0
)
model = helper.make_model(
    helper.make_graph([node], "attention", inputs, outputs), opset_imports=[helper.make_opsetid("", 24)]
)
feeds = {name: np.ones([1, 1, 1, 4], np.float32) for name in names}
(scores,) = ReferenceEvaluator(model).run(["scores"], feeds)
print(f"onnx {onnx.__version__}: {scores.ravel()}, expected [4]")
sys.exit(0 if np.allclose(scores, 4) else 1)
