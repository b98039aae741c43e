#include "problem.h"

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "values.h"

namespace heed {

namespace {

struct Object {
  napi_env env;
  napi_value value;

  Object operator[](const char* name) const { return {env, property(env, value, name)}; }
  Object at(uint32_t index) const { return {env, element(env, value, index)}; }
  bool isNull() const {
    napi_valuetype type = napi_undefined;
    napi_typeof(env, value, &type);
    return type == napi_null || type == napi_undefined;
  }
  double number() const {
    double result = 0;
    napi_get_value_double(env, value, &result);
    return result;
  }
  i64 integer() const { return static_cast<i64>(number()); }
  bool boolean() const {
    bool result = false;
    napi_get_value_bool(env, value, &result);
    return result;
  }
  std::string text() const {
    char buffer[32];
    size_t length = 0;
    napi_get_value_string_utf8(env, value, buffer, sizeof buffer, &length);
    return {buffer, length};
  }
};

Strides stridesOf(bool rowsFirst, i64 heads, i64 length, i64 depth) {
  return rowsFirst ? Strides{length * heads * depth, depth, heads * depth} : Strides{heads * length * depth, length * depth, depth};
}

Broadcast broadcastOf(const Object& shape) {
  const i64 b = shape.at(0).integer(), h = shape.at(1).integer(), q = shape.at(2).integer(), k = shape.at(3).integer();
  return {b == 1 ? 0 : h * q * k, h == 1 ? 0 : q * k, q == 1 ? 0 : k, k == 1 ? 0 : 1, b * h * q * k};
}

Format formatOf(const std::string& dtype) {
  if (dtype == "float16") return Format::float16;
  if (dtype == "bfloat16") return Format::bfloat16;
  if (dtype == "int8") return Format::int8;
  return dtype == "int4x2" ? Format::int4 : Format::same;
}

void readScores(const Object& given, Problem& p) {
  p.scale = given["scale"].number();
  p.hasSoftcap = !given["softcap"].isNull();
  p.softcap = p.hasSoftcap ? given["softcap"].number() : 0;
  const Object window = given["window"];
  constexpr double infinity = std::numeric_limits<double>::infinity();
  p.left = p.right = infinity;
  if (!window.isNull()) {
    if (!window["left"].isNull()) p.left = window["left"].number();
    if (!window["right"].isNull()) p.right = window["right"].number();
  }
  if (given["causal"].boolean()) p.right = std::fmin(p.right, 0);
  p.ranged = p.left < infinity || p.right < infinity;
  const Object alignment = given["alignment"];
  if (!alignment.isNull()) {
    if (alignment.text() == "bottomRight") p.alignment = Alignment::bottomRight;
    if (alignment.text() == "offset") p.alignment = Alignment::offset;
  }
  const Object mask = given["mask"], bias = given["bias"];
  if (!mask.isNull()) {
    p.maskKind = mask["kind"].text() == "boolean" ? Mask::boolean : Mask::floating;
    p.mask = broadcastOf(mask["shape"]);
  }
  p.hasBias = !bias.isNull();
  if (p.hasBias) p.bias = broadcastOf(bias["shape"]);
  p.hasKeyLengths = given["lengths"]["key"].boolean();
  p.hasKeyStarts = given["lengths"]["keyStart"].boolean();
  p.hasQueryLengths = given["lengths"]["query"].boolean();
  p.hasSegments = given["segments"].boolean();
  p.hasAlibi = given["alibi"].boolean();
  p.hasSinks = given["sinks"].boolean();
  const Object dropout = given["dropout"];
  if (!dropout.isNull()) {
    p.keptFactor = 1 / (1 - dropout.number());
    p.dropThreshold = (uint32_t)std::floor(dropout.number() * 4294967296.0);
  }
  const std::string selection = given["selection"].text();
  if (selection == "argmax") p.selection = Selection::argmax;
  if (selection == "sample") p.selection = Selection::sample;
}

void readOutputs(const Object& outputs, Problem& p) {
  uint32_t count = 0;
  napi_get_array_length(outputs.env, outputs.value, &count);
  for (uint32_t n = 0; n < count; n++) {
    const std::string name = outputs.at(n).text();
    if (name == "output") p.wantsOutput = true;
    if (name == "weights") p.wantsWeights = true;
    if (name == "logSumExp") p.wantsLogSumExp = true;
    if (name == "statistics") p.wantsStatistics = true;
    if (name == "choice") p.wantsChoice = true;
  }
}

void sizeOperands(Compiled& c) {
  const Problem& p = c.problem;
  // Slopes, sinks, statistics and the gradient of sinks have the type of the scores.
  const i64 score = c.isDouble ? 8 : 4, element = p.format == Format::same ? score : 2;
  const i64 places = p.batch * p.heads * p.queryLength;
  const auto set = [&](Operand operand, bool given, i64 count, i64 bytes) {
    c.operandBytes[operand] = given ? count * bytes : -1;
  };
  const i64 queries = places * p.headDim, outputs = places * p.valueDim;
  const i64 keyRows = p.kvHeads * (p.pageSize > 0 ? p.pageCount * p.pageSize : p.kvBatch * p.keyLength), keys = keyRows * p.headDim, values = keyRows * p.valueDim;
  set(query, true, queries, element);
  const auto cached = [&](i64 count) {
    if (p.cacheFormat == Format::int4) return count / 2;
    return count * (p.cacheFormat == Format::same ? score : p.cacheFormat == Format::int8 ? 1 : 2);
  };
  set(key, true, cached(keys), 1);
  set(value, p.valueStart < 0, cached(values), 1);
  set(blockTable, p.pageSize > 0, p.pageSize > 0 ? p.batch * (p.keyLength / p.pageSize) : 0, 4);
  set(keyScales, p.keyGroup > 0, p.keyGroup > 0 ? keyRows * (p.headDim / p.keyGroup) : 0, 4);
  const bool scalesValues = p.valueGroup > 0 && p.valueStart < 0;
  set(valueScales, scalesValues, scalesValues ? keyRows * (p.valueDim / p.valueGroup) : 0, 4);
  set(mask, p.maskKind != Mask::none, p.mask.size, p.maskKind == Mask::boolean ? 1 : element);
  set(bias, p.hasBias, p.bias.size, element);
  set(offsets, p.alignment == Alignment::offset, p.batch, 4);
  set(keyLengths, p.hasKeyLengths, p.batch, 4);
  set(keyStarts, p.hasKeyStarts, p.batch, 4);
  set(queryLengths, p.hasQueryLengths, p.batch, 4);
  set(querySegments, p.hasSegments, p.batch * p.queryLength, 4);
  set(keySegments, p.hasSegments, p.batch * p.keyLength, 4);
  set(alibiSlopes, p.hasAlibi, p.heads, score);
  set(sinks, p.hasSinks, p.heads, score);
  set(output, true, outputs, element);
  set(weights, p.wantsWeights, places * p.keyLength, element);
  set(logSumExp, p.wantsLogSumExp, places, score);
  set(rowMax, true, places, score);
  set(rowSum, true, places, score);
  set(choice, p.wantsChoice, places, 4);
  set(dOutput, true, outputs, element);
  set(dQuery, true, queries, element);
  set(dKey, true, cached(keys), 1);
  set(dValue, true, cached(values), 1);
  set(dBias, p.hasBias, p.bias.size, element);
  set(dSinks, p.hasSinks, p.heads, score);
}

}  // namespace

Compiled readProblem(napi_env env, napi_value object) {
  const Object given{env, object};
  Compiled c;
  Problem& p = c.problem;
  p.batch = given["batch"].integer();
  p.heads = given["heads"].integer();
  p.kvHeads = given["kvHeads"].integer();
  p.kvBatch = given["kvBatch"].integer();
  p.queryLength = given["queryLength"].integer();
  p.keyLength = given["keyLength"].integer();
  p.headDim = given["headDim"].integer();
  p.valueDim = given["valueDim"].integer();
  p.group = p.heads / p.kvHeads;
  p.rows = p.group * p.queryLength;
  const std::string dtype = given["dtype"].text();
  c.isDouble = dtype == "float64";
  p.format = formatOf(dtype);
  p.cacheFormat = formatOf(given["cacheType"].text());
  const bool rowsFirst = given["layout"].text() == "blhd";
  p.query = stridesOf(rowsFirst, p.heads, p.queryLength, p.headDim);
  const Object pages = given["pages"], groups = given["groups"];
  if (!pages.isNull()) {
    p.pageSize = pages["size"].integer();
    p.pageCount = pages["count"].integer();
  }
  const auto cacheStrides = [&](i64 depth) {
    Strides s = stridesOf(rowsFirst, p.kvHeads, p.pageSize > 0 ? p.pageSize : p.keyLength, depth);
    if (p.kvBatch == 1 && p.pageSize == 0) s.batch = 0;
    return s;
  };
  p.key = cacheStrides(p.headDim);
  const Object inside = given["valueFromKey"];
  p.valueStart = inside.isNull() ? -1 : inside["start"].integer();
  p.value = p.valueStart < 0 ? cacheStrides(p.valueDim) : p.key;
  if (!groups.isNull()) {
    p.keyGroup = groups["key"].integer();
    p.keyScales = cacheStrides(p.headDim / p.keyGroup);
    p.valueGroup = p.valueStart < 0 ? groups["value"].integer() : p.keyGroup;
    p.valueScales = p.valueStart < 0 ? cacheStrides(p.valueDim / p.valueGroup) : p.keyScales;
  }
  p.ring = given["ring"].boolean();
  p.output = stridesOf(rowsFirst, p.heads, p.queryLength, p.valueDim);
  readScores(given, p);
  p.gradient = given["gradient"].boolean();
  readOutputs(given["outputs"], p);
  sizeOperands(c);
  return c;
}

}  // namespace heed
