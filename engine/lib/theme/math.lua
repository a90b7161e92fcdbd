--@ alc.math
-- alc.math: each function checks what it is given and asks Go for the result.
--
-- An array of numbers goes over as one text (sys.floats), read raw: metamethods and string keys
-- do not count. A generator is a box that holds its seed and how many draws were taken from it,
-- nothing else, so a replay leaves it as it was.
local sys, alc, lib, def = ...
local type, error, tonumber, tostring, next = type, error, tonumber, tostring, next
local rawlen, rawget, format, sub = rawlen, rawget, string.format, string.sub
local setmetatable = setmetatable
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

local kinds = {
  a = array, r = rows, x = any, n = number, i = integer, c = count,
  p = optional(number, 0.95), w = optional(array), t = optional(ties, false), s = optional(alternative, "two_sided"),
}

-- The members and the kinds of their arguments; g is a generator. Further arguments are ignored.
local members = {
  rng_create = "c",
  rng_float = "g", rng_int = "gii", normal_sample = "gnn", lognormal_sample = "gnn", uniform_sample = "gnn",
  exp_sample = "gn", gamma_sample = "gnn", beta_sample = "gnn", student_t_sample = "gn",
  chi_squared_sample = "gn", poisson_sample = "gn", binomial_sample = "gcn", dirichlet_sample = "ga",
  categorical_sample = "ga", shuffle = "gx", sample_with_replacement = "gxc", mean = "a", variance = "a",
  stddev = "a", median = "a", percentile = "an", iqr = "a", covariance = "aa", correlation = "aa",
  histogram = "ac", softmax = "a", log_normalize = "a", logsumexp = "a", logit = "n", expit = "n",
  moving_average = "ac", ewma = "an", autocorrelation = "ac", rank = "a", wilson_ci = "nnn", erf = "n",
  erfc = "n", lgamma = "n", beta = "nn", ln_beta = "nn", regularized_incomplete_beta = "nnn",
  regularized_incomplete_gamma = "nn", digamma = "n", factorial = "c", ln_factorial = "c",
  normal_cdf = "nnn", normal_ppf = "n", normal_inverse_cdf = "nnn", beta_cdf = "nnn", beta_ppf = "nnn",
  beta_mean = "nn", beta_variance = "nn", gamma_cdf = "nnn", poisson_cdf = "cn", welch_t_test = "aa",
  mann_whitney_u = "aat", chi_squared_test = "aa", ks_test = "aa", spearman_correlation = "aa",
  kendall_tau = "aa", ndcg = "ac", mrr = "a", entropy = "a", kl_divergence = "aa", js_divergence = "aa",
  cross_entropy = "aa", tvd = "aa", hellinger = "aa", wasserstein_1d = "aaw", mutual_information = "r",
  permutations = "c", bootstrap_mean = "accp", paired_bootstrap_diff = "aaccp",
  cluster_bootstrap_mean = "rccp", cluster_bootstrap_diff = "rrccp", cluster_bootstrap_ratio = "rrccp",
  permutation_test = "aaccs", cohens_d = "aa", cliffs_delta = "aa", holm = "a", benjamini_hochberg = "a",
  calibration_error = "aac", brier_score = "aa",
}

-- A member is made when it is first used: few sessions need more than a few.

local function plain(name, k1, k2, k3, k4, k5)
  local op = "math." .. name
  return function(a, b, c, d, e)
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

-- sampler takes draws from a generator.
local function sampler(name, k1, k2)
  local op = "math." .. name
  return function(h, a, b)
    local g = generator(h, name)
    a = k1 and check(k1, a, 2, name)
    b = k2 and check(k2, b, 3, name)
    local pos, result = request(op, g.seed, g.pos, a, b)
    if pos == nil then error(result, 2) end
    g.pos = pos
    return result
  end
end

-- picker returns elements of an array; only places cross the border.
local function picker(name, k2)
  local op = "math." .. name
  return function(h, t, n)
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

local function rng_create(seed)
  return box({ seed = check(count, seed, 1, "rng_create"), pos = 0 }, "generator")
end

local function kind(signature, i) return kinds[sub(signature, i, i)] end

local function member(name)
  local s = members[name]
  if s == nil then return nil end
  if name == "rng_create" then return rng_create end
  if sub(s, 1, 2) == "gx" then return picker(name, kind(s, 3)) end
  if sub(s, 1, 1) == "g" then return sampler(name, kind(s, 2), kind(s, 3)) end
  return plain(name, kind(s, 1), kind(s, 2), kind(s, 3), kind(s, 4), kind(s, 5))
end

setmetatable(def, {
  __index = function(_, name)
    local f = member(name)
    def[name] = f
    return f
  end,
  __pairs = function()
    setmetatable(def, nil)
    for name in next, members do
      if def[name] == nil then def[name] = member(name) end
    end
    return next, def
  end,
})
