-- Statistics of an evaluation: description of scores, pass@k, confidence, Welch's test.
local sys, alc, lib, def = ...
local ipairs, type = ipairs, type
local sqrt, log, exp, floor, abs, max, min = math.sqrt, math.log, math.exp, math.floor, math.abs, math.max, math.min
local sort = table.sort

function def.describe(list)
  local n = #list
  if n == 0 then return { n = 0, mean = 0, std_dev = 0, min = 0, max = 0, median = 0 } end
  local sum, sorted = 0, {}
  for i, v in ipairs(list) do
    sum, sorted[i] = sum + v, v
  end
  sort(sorted)
  local mean, squares = sum / n, 0
  for _, v in ipairs(list) do squares = squares + (v - mean) ^ 2 end
  local half = n // 2
  return {
    n = n,
    mean = mean,
    std_dev = n < 2 and 0 or sqrt(squares / (n - 1)),
    min = sorted[1],
    max = sorted[n],
    median = n % 2 == 1 and sorted[half + 1] or (sorted[half] + sorted[half + 1]) / 2,
  }
end

-- ln C(n, k), as a sum so that large n do not overflow
local function ln_choose(n, k)
  local s = 0
  for i = 1, k do s = s + log(n - k + i) - log(i) end
  return s
end

-- pass_at_k estimates the chance that one of k samples passes when c of n did (Chen et al. 2021).
function def.pass_at_k(n, c, k)
  if n < k then return c > 0 and 1.0 or 0.0 end
  if n - c < k then return 1.0 end
  if c == 0 then return 0.0 end
  return 1 - exp(ln_choose(n - c, k) - ln_choose(n, k))
end

-- critical values of Student's t, two-sided, 95 %
local CRITICAL = {
  { 1, 12.706 }, { 2, 4.303 }, { 3, 3.182 }, { 4, 2.776 }, { 5, 2.571 }, { 6, 2.447 }, { 7, 2.365 }, { 8, 2.306 },
  { 9, 2.262 }, { 10, 2.228 }, { 15, 2.131 }, { 20, 2.086 }, { 25, 2.060 }, { 30, 2.042 }, { 40, 2.021 },
  { 60, 2.000 }, { 80, 1.990 }, { 100, 1.984 }, { 120, 1.980 },
}

local function critical(df)
  if df <= 0 or df > 120 then return 1.96 end
  local last = CRITICAL[1]
  if df <= last[1] then return last[2] end
  for _, row in ipairs(CRITICAL) do
    if df <= row[1] then
      if row == last then return row[2] end
      return last[2] + (row[2] - last[2]) * (df - last[1]) / (row[1] - last[1])
    end
    last = row
  end
  return 1.96
end

local function interval(scores)
  if scores.n < 2 then return { lower = scores.mean, upper = scores.mean } end
  local half = critical(scores.n - 1) * scores.std_dev / sqrt(scores.n)
  return { lower = max(0.0, scores.mean - half), upper = min(1.0, scores.mean + half) }
end

local function by_tag(results)
  local tags, lists = {}, {}
  for _, r in ipairs(results) do
    for _, tag in ipairs(r.case.tags) do
      local t = tags[tag]
      if t == nil then
        t = { pass = 0, fail = 0 }
        tags[tag], lists[tag] = t, {}
      end
      if r.passed then t.pass = t.pass + 1 else t.fail = t.fail + 1 end
      lists[tag][#lists[tag] + 1] = r.score
    end
  end
  for tag, t in next, tags do
    t.rate = t.pass / (t.pass + t.fail)
    t.stats = def.describe(lists[tag])
  end
  return tags
end

function def.aggregate(results)
  local list, passed = {}, 0
  for i, r in ipairs(results) do
    list[i] = r.score
    if r.passed then passed = passed + 1 end
  end
  local n, scores = #results, def.describe(list)
  local a = {
    total = n, passed = passed, pass_rate = n > 0 and passed / n or 0,
    pass_at_1 = n > 0 and passed / n or 0,
    scores = scores, ci_95 = interval(scores), by_tag = by_tag(results),
  }
  if n >= 5 then a.pass_at_5 = def.pass_at_k(n, passed, 5) end
  if n >= 10 then a.pass_at_10 = def.pass_at_k(n, passed, 10) end
  return a
end

-- welch_t compares two descriptions (Welch 1947). Where neither side varies it says equal, as the
-- original does, even if the means differ.
function def.welch_t(a, b)
  if a.n < 2 or b.n < 2 then return { t_stat = 0, df = 0, significant = false, direction = "insufficient_data" } end
  local va, vb = a.std_dev ^ 2 / a.n, b.std_dev ^ 2 / b.n
  if va + vb == 0 then return { t_stat = 0, df = a.n + b.n - 2, significant = false, direction = "equal" } end
  local t = (a.mean - b.mean) / sqrt(va + vb)
  local df = (va + vb) ^ 2 / (va ^ 2 / (a.n - 1) + vb ^ 2 / (b.n - 1))
  local direction = "equal"
  if abs(t) >= 0.001 then direction = t > 0 and "a>b" or "a<b" end
  return { t_stat = t, df = df, significant = abs(t) > critical(floor(df)), direction = direction }
end
