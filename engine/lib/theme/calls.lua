--@ alc ground specify llm_safe llm_json parallel budget_check
-- Ways to ask the model: with a flag, with a fallback, for JSON, for many things at once.
local sys, alc, lib, def = ...
local type, tostring, pcall, pairs, error = type, tostring, pcall, pairs, error
local format, concat = string.format, table.concat
local options, shown = lib.options, lib.shown

-- with returns a copy of options with one of them set.
local function with(opts, name, value)
  local copy = {}
  for k, v in pairs(opts) do copy[k] = v end
  copy[name] = value
  return copy
end

-- ground asks for evidence; specify says that the intent is not clear yet. Both are flags for
-- the host.
function def.ground(claim, opts)
  return alc.llm(claim, with(options(opts, "ground", 2), "grounded", true))
end

function def.specify(prompt, opts)
  return alc.llm(prompt, with(options(opts, "specify", 2), "underspecified", true))
end

-- llm_safe returns a default when a call fails, for whatever reason.
function def.llm_safe(prompt, opts, default)
  local ok, answer = pcall(alc.llm, prompt, opts)
  if ok then return answer end
  alc.log("warn", "alc.llm_safe: the call failed and the default stands in: " .. shown(answer))
  return default
end

local JSON_ONLY = "Answer with one valid JSON value and nothing else: no explanation, no code fence."

local function repair(prompt, raw)
  return concat({
    "Your last answer could not be read as JSON. It was:",
    tostring(raw),
    "Correct it and answer with the JSON alone. The request was:",
    tostring(prompt),
  }, "\n\n")
end

-- llm_json asks for JSON, once more if the first answer holds none. It returns the table and the
-- text that it was found in, or nil and the last text.
function def.llm_json(prompt, opts)
  local o = options(opts, "llm_json", 2)
  local raw = alc.llm(prompt, opts)
  local value = alc.json_extract(raw)
  if value ~= nil then return value, raw end
  alc.log("warn", "alc.llm_json: the answer holds no JSON, asking once more")
  raw = alc.llm(repair(prompt, raw), with(o, "system", JSON_ONLY))
  value = alc.json_extract(raw)
  if value ~= nil then return value, raw end
  alc.log("warn", "alc.llm_json: the second answer holds no JSON either")
  return nil, raw
end

-- query turns what prompt_fn returned into an item of a batch, or says what is wrong with it.
local function query(made, opts, i)
  if type(made) == "string" then
    return { prompt = made, system = opts.system, max_tokens = opts.max_tokens }
  end
  if type(made) ~= "table" then
    return nil, format("alc.parallel: prompt_fn must return string or table, got %s at index %d", type(made), i)
  end
  if type(made.prompt) ~= "string" then
    return nil, format("alc.parallel: prompt_fn returned table without .prompt at index %d", i)
  end
  return made
end

-- parallel asks about every item in one pause. Nothing is sent before all prompts are made.
function def.parallel(items, prompt_fn, opts)
  if type(items) ~= "table" or #items == 0 then error("alc.parallel: items must be a non-empty array", 2) end
  if type(prompt_fn) ~= "function" then error("alc.parallel: prompt_fn must be a function", 2) end
  local o = options(opts, "parallel", 3)
  local batch, n = {}, 0
  while items[n + 1] ~= nil do
    n = n + 1
    local why
    batch[n], why = query(prompt_fn(items[n], n), o, n)
    if why then error(why, 2) end
  end
  local answers = alc.llm_batch(batch)
  local post_fn = o.post_fn
  if not post_fn then return answers end
  local results = {}
  for i = 1, #answers do results[i] = post_fn(answers[i], items[i], i) end
  return results
end

local function spent(n) return type(n) == "number" and n <= 0 end

-- budget_check tells whether calls and time are left. Tokens are not looked at.
function def.budget_check()
  local left = alc.budget_remaining()
  return left == nil or not (spent(left.llm_calls) or spent(left.elapsed_ms))
end
