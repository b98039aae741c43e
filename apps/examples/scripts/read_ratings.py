"""Writes the ratings of a data frame that pandas pickled as CSV, without pandas: read_ratings.py FILE.pkl.xz FILE.csv

Reads no code: every name in the pickle is one of the few below, and stands for a plain record.
"""

import array
import csv
import lzma
import pickle
import sys

NAMES = {
    "pandas.core.frame DataFrame",
    "pandas.core.internals.managers BlockManager",
    "pandas._libs.internals _unpickle_block",
    "pandas.core.indexes.base _new_Index",
    "pandas.core.indexes.base Index",
    "pandas.core.indexes.range RangeIndex",
    "numpy dtype",
    "numpy ndarray",
    "numpy.core.numeric _frombuffer",
    "numpy.core.multiarray _reconstruct",
}


class Record:
    """Arguments and state with which something would have been made."""

    def __init__(self, *arguments):
        self.arguments = arguments
        self.state = None

    def __setstate__(self, state):
        self.state = state


class RecordReader(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) == ("builtins", "slice"):
            return slice
        if f"{module} {name}" not in NAMES:
            raise pickle.UnpicklingError(f"{module} {name} is unknown; expected a data frame of numbers and texts")
        return type(name, (Record,), {})


def numbers_of(data, dtype):
    values = array.array({"f8": "d", "i8": "q"}[dtype.arguments[0]], bytes(data))
    if sys.byteorder == "big":
        values.byteswap()
    return values


def columns_in(values):
    """Columns of a block, each a list of as many values as there are ratings."""
    if type(values).__name__ == "_reconstruct":
        _, (columns, count), _, is_fortran, flat = values.state
        order = "F" if is_fortran else "C"
    else:
        data, dtype, (columns, count), order = values.arguments
        flat = numbers_of(data, dtype)
    if order == "F":
        return [flat[n::columns] for n in range(columns)]
    return [flat[n * count : (n + 1) * count] for n in range(columns)]


def places_of(places):
    """Numbers of a block's columns: a slice, or an array [columns]."""
    if isinstance(places, slice):
        return list(range(places.start, places.stop, places.step or 1))
    data, dtype, _, _ = places.arguments
    return numbers_of(data, dtype)


def columns_of(frame):
    blocks, axes = frame.state["_mgr"].arguments
    names = axes[0].arguments[1]["data"].state[4]
    columns = {}
    for block in blocks:
        values, places = block.arguments[:2]
        columns.update(zip((names[place] for place in places_of(places)), columns_in(values)))
    return columns


def main(source, target):
    with lzma.open(source) as file:
        columns = columns_of(RecordReader(file).load())
    with open(target, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["userId", "movieId", "rating", "timestamp", "title"])
        writer.writerows(zip(*(columns[name] for name in ("userId", "movieId", "rating", "timestamp", "title"))))


main(*sys.argv[1:])
