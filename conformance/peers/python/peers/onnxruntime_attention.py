"""The operator Attention in ONNX Runtime's CPU provider."""
import onnx
import onnxruntime as ort

from peers.onnx_model import feeds_of, model_of, results_of


def version():
    return ort.__version__


def attend(problem, arrays):
    # The oldest opset that knows what the problem asks for: runtimes learn new ones late.
    asks = 25 if problem["window"] else 24 if problem["lengths"]["key"] or problem["alignment"] == "bottomRight" else 23
    model, feeds = model_of(problem, feeds_of(problem, arrays), min(asks, onnx.defs.onnx_opset_version()))
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return results_of(problem, session.run(None, feeds))
