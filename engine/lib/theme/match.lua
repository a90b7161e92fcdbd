--@ alc match_enum match_bool
-- Finding a verdict in what a model wrote.
local sys, alc, lib, def = ...
local type, tonumber, error = type, tonumber, error
local find, format, gmatch, gsub, lower, match, sub =
  string.find, string.format, string.gmatch, string.gsub, string.lower, string.match, string.sub
local codes, length = utf8.codes, utf8.len
local min, max = math.min, math.max
local request = sys.request
local text, options = lib.text, lib.options

local function is_ascii(s) return not find(s, "[\x80-\xff]") end

-- lowered returns texts in lower case, by Unicode's rules. Plain ASCII needs no tables, and so
-- no request.
local function lowered(texts)
  local low, foreign, places = {}, {}, {}
  for i = 1, #texts do
    if is_ascii(texts[i]) then
      low[i] = lower(texts[i])
    else
      foreign[#foreign + 1] = texts[i]
      places[#places + 1] = i
    end
  end
  if #foreign > 0 then
    local answers = request("lower", foreign)
    for i = 1, #places do low[places[i]] = answers[i] end
  end
  return low
end

-- words iterates over what stands between white space, without the signs around it.
local function words(str)
  if is_ascii(str) then
    local next_run = gmatch(str, "%w[^ \t-\r]*")
    return function()
      local run = next_run()
      return run and match(run, "^.*%w")
    end
  end
  local next_run = gmatch(request("classes", str), "()(w[w.]*)")
  return function()
    local at, run = next_run()
    return at and sub(str, at, at + #match(run, "^.*w") - 1)
  end
end

local function letters(s)
  local points, n = {}, 0
  for _, c in codes(s) do
    n = n + 1
    points[n] = c
  end
  return points
end

-- jaro is the Jaro similarity (Jaro 1989) of two lists of letters, from 0 to 1.
local function jaro(a, b)
  local la, lb = #a, #b
  local window = max(max(la, lb) // 2 - 1, 0)
  local partner, taken, matches = {}, {}, 0
  for i = 1, la do
    for j = max(1, i - window), min(lb, i + window) do
      if not taken[j] and a[i] == b[j] then
        taken[j] = true
        matches = matches + 1
        partner[matches] = i
        break
      end
    end
  end
  if matches == 0 then return 0.0 end
  local swapped, k = 0, 0
  for j = 1, lb do
    if taken[j] then
      k = k + 1
      if a[partner[k]] ~= b[j] then swapped = swapped + 1 end
    end
  end
  return (matches / la + matches / lb + (matches - swapped // 2) / matches) / 3
end

-- jaro_winkler favours words that begin alike (Winkler 1990), once they are alike at all.
local function jaro_winkler(a, b)
  local similarity = jaro(a, b)
  if similarity <= 0.7 then return similarity end
  local same = 0
  while same < 4 and a[same + 1] and a[same + 1] == b[same + 1] do same = same + 1 end
  return similarity + 0.1 * same * (1 - similarity)
end

-- reachable is the best that two lengths allow: every letter of the shorter word matched, in
-- order, behind a common beginning.
local function reachable(la, lb)
  local best = (2 + min(la, lb) / max(la, lb)) / 3
  return best > 0.7 and best + 0.4 * (1 - best) or best
end

-- closest returns the candidate most like one of a text's words, if it is at least as like as the
-- threshold says.
local function closest(str, candidates, threshold)
  local spelled, sizes, seen = {}, {}, {}
  for i = 1, #candidates do
    spelled[i] = letters(candidates[i])
    sizes[i] = #spelled[i]
  end
  local winner, best = nil, nil
  for word in words(str) do
    if not seen[word] then
      seen[word] = true
      local size, points = length(word), nil
      for i = 1, #candidates do
        local within = reachable(size, sizes[i])
        -- The slack keeps a bound that was rounded down from hiding what meets it exactly.
        if within + 1e-9 >= (best or threshold) then
          points = points or letters(word)
          local score = jaro_winkler(points, spelled[i])
          if score >= threshold and (best == nil or score > best) then winner, best = i, score end
        end
      end
    end
  end
  return winner
end

-- last_start returns where a word occurs last in a text, or nil.
local function last_start(str, word)
  if word == "" then return #str + 1 end
  local last, at = nil, find(str, word, 1, true)
  while at do
    last = at
    at = find(str, word, at + 1, true)
  end
  return last
end

-- latest returns the candidate that is mentioned last, the first of those on a tie.
local function latest(str, candidates)
  local winner, best = nil, nil
  for i = 1, #candidates do
    local at = last_start(str, candidates[i])
    if at and (best == nil or at > best) then winner, best = i, at end
  end
  return winner
end

-- match_enum returns the candidate that a text mentions last, whatever the case; failing that,
-- the one that a word of it resembles most.
function def.match_enum(str, candidates, opts)
  str = text(str, "match_enum", 1)
  if type(candidates) ~= "table" then
    error(format("bad argument #2 to 'match_enum' (table expected, got %s)", candidates == nil and "no value" or type(candidates)), 2)
  end
  local threshold = tonumber(options(opts, "match_enum", 3).threshold) or 0.7
  local names, n = {}, 0
  while candidates[n + 1] ~= nil do
    n = n + 1
    names[n] = text(candidates[n], "match_enum", 2)
  end
  if n == 0 then return nil end
  names[n + 1] = str -- one request for all of them
  local all = lowered(names)
  str, all[n + 1] = all[n + 1], nil
  local winner = latest(str, all) or closest(str, all, threshold)
  return winner and names[winner]
end

local verdicts = {}
for word in gmatch("approved yes ok accept pass confirm agree true lgtm", "%a+") do verdicts[word] = true end
for word in gmatch("rejected no deny block fail refuse disagree false", "%a+") do verdicts[word] = false end

-- match_bool returns what the last word of approval or refusal says, or nil without any.
function def.match_bool(str)
  str = text(str, "match_bool", 1)
  if not is_ascii(str) then
    -- The two letters beyond ASCII whose lower case has an ASCII letter: Kelvin's sign and İ.
    str = gsub(gsub(str, "\u{212a}", "k"), "\u{130}", "i\u{307}")
  end
  local verdict = nil
  for word in gmatch(lower(str), "%w+") do
    local v = verdicts[word]
    if v ~= nil then verdict = v end
  end
  return verdict
end
