"""The reference evaluator of the ONNX standard."""
import onnx
from onnx.reference import ReferenceEvaluator

from peers.onnx_model import feeds_of, model_of, results_of


def version():
    return onnx.__version__


def attend(problem, arrays):
    model, feeds = model_of(problem, feeds_of(problem, arrays), min(25, onnx.defs.onnx_opset_version()))
    return results_of(problem, ReferenceEvaluator(model).run(None, feeds))
