--@ alc.math
-- alc.math: each function checks what it is given and asks Go for the result.
--
-- An array of numbers goes over as one text (sys.floats), read raw: metamethods and string keys
-- do not count. A generator is a box that holds its seed and how many draws were taken from it,
-- nothing else, so a replay leaves it as it was.
local sys, alc, lib, def = ...
local type, error, tonumber, tostring, next = type, error, tonumber, tostring, next
local rawlen, rawget, format = rawlen, rawget, string.format
local request, floats, box, unbox = sys.request, sys.floats, sys.box, sys.unbox
local whole = lib.whole

local function shown(v)
  local t = type(v)
  if t == "number" then return tostring(v) end
  if t == "string" then return #v <= 40 and "'" .. v .. "'" or "a long text" end
  return v == nil and "no value" or t
end

-- Kinds of arguments. A kind returns the argument as Go wants it, or nil and what is wrong.

local function wrong(wanted, v)
  return nil, format("%s expected, got %s", wanted, shown(v))
end

local function packed(v, where)
  local text, at = floats(v)
  if text ~= nil then return text end
  return nil, format("element %s%d must be a finite number, got %s", where, at, shown(rawget(v, at)))
end

local function array(v)
  if type(v) ~= "table" then return wrong("table", v) end
  if rawlen(v) == 0 then return nil, "the array is empty" end
  return packed(v, "")
end

local function rows(v)
  if type(v) ~= "table" then return wrong("table", v) end
  local out = {}
  for i = 1, rawlen(v) do
    local row, why = rawget(v, i)
    if type(row) ~= "table" then return nil, format("element %d must be an array of numbers, got %s", i, shown(row)) end
    row, why = packed(row, i .. ":")
    if row == nil then return nil, why end
    out[i] = row
  end
  return out
end

local function any(v)
  if type(v) ~= "table" then return wrong("table", v) end
  return v
end

local function number(v)
  local t = type(v)
  local n = v
  if t == "string" then n = tonumber(v) elseif t ~= "number" then n = nil end
  if n == nil then return wrong("number", v) end
  return n
end

local function integer(v)
  local n = whole(v)
  if n == nil then return wrong("integer", v) end
  return n
end

local function count(v)
  local n = whole(v)
  if n == nil or n < 0 then return wrong("non-negative integer", v) end
  return n
end

local function optional(kind, default)
  return function(v)
    if v == nil then return default end
    return kind(v)
  end
end

-- mann_whitney_u reads one option by its truth and ignores others.
local function ties(v)
  if type(v) ~= "table" then return wrong("table", v) end
  return v.tie_correction and true or false
end

-- permutation_test refuses options that it does not know.
local function alternative(v)
  if type(v) ~= "table" then return wrong("table", v) end
  local side = "two_sided"
  for k, x in next, v do
    if k ~= "alternative" then return nil, format("unknown option %s; there is only 'alternative'", shown(k)) end
    if type(x) ~= "string" and type(x) ~= "number" then return nil, format("alternative must be a string, got %s", shown(x)) end
    side = tostring(x)
  end
  return side
end

local function check(kind, v, i, name)
  local good, why = kind(v)
  if why ~= nil then error(format("bad argument #%d to '%s' (%s)", i, name, why), 3) end
  return good
end

-- define makes a function of up to five arguments of the given kinds; further ones are ignored.
local function define(name, k1, k2, k3, k4, k5)
  local op = "math." .. name
  def[name] = function(a, b, c, d, e)
    a = check(k1, a, 1, name)
    b = k2 and check(k2, b, 2, name)
    c = k3 and check(k3, c, 3, name)
    d = k4 and check(k4, d, 4, name)
    e = k5 and check(k5, e, 5, name)
    local result, why = request(op, a, b, c, d, e)
    if why ~= nil then error(why, 2) end
    return result
  end
end

local function generator(h, name)
  local g = unbox(h, "generator")
  if g == nil then
    error(format("bad argument #1 to '%s' (generator of rng_create expected, got %s)", name, shown(h)), 3)
  end
  return g
end

-- sample makes a function that takes draws from a generator.
local function sample(name, k1, k2)
  local op = "math." .. name
  def[name] = function(h, a, b)
    local g = generator(h, name)
    a = k1 and check(k1, a, 2, name)
    b = k2 and check(k2, b, 3, name)
    local pos, result = request(op, g.seed, g.pos, a, b)
    if pos == nil then error(result, 2) end
    g.pos = pos
    return result
  end
end

-- pick makes a function that returns elements of an array; only places cross the border.
local function pick(name, k2)
  local op = "math." .. name
  def[name] = function(h, t, n)
    local g = generator(h, name)
    t = check(any, t, 2, name)
    n = k2 and check(k2, n, 3, name)
    local pos, places = request(op, g.seed, g.pos, rawlen(t), n)
    if pos == nil then error(places, 2) end
    g.pos = pos
    for i = 1, #places do places[i] = rawget(t, places[i]) end
    return places
  end
end

function def.rng_create(seed)
  return box({ seed = check(count, seed, 1, "rng_create"), pos = 0 }, "generator")
end

sample("rng_float")
sample("rng_int", integer, integer)
sample("normal_sample", number, number)
sample("lognormal_sample", number, number)
sample("uniform_sample", number, number)
sample("exp_sample", number)
sample("gamma_sample", number, number)
sample("beta_sample", number, number)
sample("student_t_sample", number)
sample("chi_squared_sample", number)
sample("poisson_sample", number)
sample("binomial_sample", count, number)
sample("dirichlet_sample", array)
sample("categorical_sample", array)
pick("shuffle")
pick("sample_with_replacement", count)

define("mean", array)
define("variance", array)
define("stddev", array)
define("median", array)
define("percentile", array, number)
define("iqr", array)
define("covariance", array, array)
define("correlation", array, array)
define("histogram", array, count)

define("softmax", array)
define("log_normalize", array)
define("logsumexp", array)
define("logit", number)
define("expit", number)
define("moving_average", array, count)
define("ewma", array, number)
define("autocorrelation", array, count)
define("rank", array)

define("wilson_ci", number, number, number)

define("erf", number)
define("erfc", number)
define("lgamma", number)
define("beta", number, number)
define("ln_beta", number, number)
define("regularized_incomplete_beta", number, number, number)
define("regularized_incomplete_gamma", number, number)
define("digamma", number)
define("factorial", count)
define("ln_factorial", count)

define("normal_cdf", number, number, number)
define("normal_ppf", number)
define("normal_inverse_cdf", number, number, number)
define("beta_cdf", number, number, number)
define("beta_ppf", number, number, number)
define("beta_mean", number, number)
define("beta_variance", number, number)
define("gamma_cdf", number, number, number)
define("poisson_cdf", count, number)

define("welch_t_test", array, array)
define("mann_whitney_u", array, array, optional(ties, false))
define("chi_squared_test", array, array)
define("ks_test", array, array)

define("spearman_correlation", array, array)
define("kendall_tau", array, array)
define("ndcg", array, count)
define("mrr", array)

define("entropy", array)
define("kl_divergence", array, array)
define("js_divergence", array, array)
define("cross_entropy", array, array)
define("tvd", array, array)
define("hellinger", array, array)
define("wasserstein_1d", array, array, optional(array))
define("mutual_information", rows)

define("permutations", count)

local confidence = optional(number, 0.95)
define("bootstrap_mean", array, count, count, confidence)
define("paired_bootstrap_diff", array, array, count, count, confidence)
define("cluster_bootstrap_mean", rows, count, count, confidence)
define("cluster_bootstrap_diff", rows, rows, count, count, confidence)
define("cluster_bootstrap_ratio", rows, rows, count, count, confidence)
define("permutation_test", array, array, count, count, optional(alternative, "two_sided"))

define("cohens_d", array, array)
define("cliffs_delta", array, array)
define("holm", array)
define("benjamini_hochberg", array)
define("calibration_error", array, array, count)
define("brier_score", array, array)
