--@ alc cache cache_info cache_clear
-- A memo of answers for one session.
local sys, alc, lib, def = ...
local type, tostring = type, tostring
local options, shown = lib.options, lib.shown

local MOST = 256

local answers, hits, misses = {}, 0, 0
-- The keys in the order in which they came, as a ring: the oldest stands at `oldest`.
local keys, count, oldest = {}, 0, 1

local function remember(key, answer)
  if answers[key] == nil then
    if count == MOST then
      answers[keys[oldest]] = nil
      keys[oldest] = key
      oldest = oldest % MOST + 1
    else
      count = count + 1
      keys[count] = key
    end
  end
  answers[key] = answer
end

-- key_of folds all that a key is made of into one. Options of a type that alc.llm ignores count
-- as not given.
local function key_of(prompt, opts)
  if opts.cache_key then return opts.cache_key end
  local whole = tostring(prompt)
  local function add(v)
    if type(v) == "string" or type(v) == "number" then whole = whole .. "\0" .. v end
  end
  add(opts.system)
  add(opts.max_tokens)
  return alc.fingerprint(whole)
end

-- cache is alc.llm, asked once a prompt.
function def.cache(prompt, opts)
  local o = options(opts, "cache", 2)
  if o.cache_skip then return alc.llm(prompt, opts) end
  local key = key_of(prompt, o)
  local answer = answers[key]
  if answer ~= nil then
    hits = hits + 1
    alc.log("debug", "alc.cache: hit " .. shown(key))
    return answer
  end
  answer = alc.llm(prompt, opts)
  misses = misses + 1
  if answer ~= nil then remember(key, answer) end
  alc.log("debug", "alc.cache: miss " .. shown(key))
  return answer
end

function def.cache_info()
  return { entries = count, hits = hits, misses = misses, max_entries = MOST }
end

function def.cache_clear()
  answers, hits, misses = {}, 0, 0
  keys, count, oldest = {}, 0, 1
end
