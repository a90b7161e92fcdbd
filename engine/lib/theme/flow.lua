--@ alc tuning pipe
-- Parameters of a strategy, and strategies in a row.
local sys, alc, lib, def = ...
local type, tostring, pairs, pcall, error = type, tostring, pairs, pcall, error
local format = string.format
local options, shown = lib.options, lib.shown

-- merged lays overrides over defaults: tables are merged key by key, arrays and everything else
-- are replaced whole, and a key that has no default is ignored.
local function merged(defaults, overrides)
  local result = {}
  for k, default in pairs(defaults) do
    local v = overrides[k]
    if k == "_schema" then
      v = nil
    elseif v == nil then
      v = default
    elseif type(v) == "table" and type(default) == "table" and default[1] == nil then
      v = merged(default, v)
    end
    result[k] = v
  end
  return result
end

-- overrides_in returns the table of a ctx that holds a package's parameters.
local function overrides_in(ctx, prefix)
  local own = ctx[prefix]
  if own == nil then return ctx end
  if type(own) == "table" then return own end
  alc.log("warn", format("alc.tuning: ctx.%s is a %s and not a table of parameters; the defaults stand", shown(prefix), type(own)))
  return {}
end

-- tuning returns a package's parameters: its defaults, where ctx does not say otherwise.
function def.tuning(defaults, ctx, opts)
  local prefix = options(opts, "tuning", 3).prefix
  if type(defaults) ~= "table" then return defaults end
  if not ctx or type(ctx) == "string" then ctx = {} end
  if type(ctx) ~= "table" then
    error(format("bad argument #2 to 'tuning' (table expected, got %s)", type(ctx)), 2)
  end
  if prefix then ctx = overrides_in(ctx, prefix) end
  return merged(defaults, ctx)
end

-- stage returns the name of an entry of a pipeline and what to run, or nil and what is wrong.
local function stage(entry, i)
  if type(entry) == "function" then return format("(inline-%d)", i), entry end
  if type(entry) ~= "string" then
    return nil, format("alc.pipe: strategy[%d] must be a string or function", i)
  end
  local ok, package = pcall(_G.require, entry)
  if not ok then return nil, format("alc.pipe: failed to load strategy '%s': %s", entry, shown(package)) end
  if type(package) ~= "table" or type(package.run) ~= "function" then
    return nil, format("alc.pipe: strategy '%s' must export run(ctx)", entry)
  end
  return entry, package.run
end

-- unusable says what is wrong with what a stage returned; nil when nothing is.
local function unusable(ctx, name)
  if type(ctx) ~= "table" then return format("alc.pipe: strategy '%s' must return a table (ctx)", name) end
  if type(ctx.pipe_history) == "table" then return nil end
  return format("alc.pipe: strategy '%s' returned a ctx without the pipe_history it was given; return the ctx itself, or carry the field over", name)
end

local function record(ctx, entry)
  local history = ctx.pipe_history
  history[#history + 1] = entry
end

-- hand_over makes the result of a stage the task of the next.
local function hand_over(ctx)
  local result = ctx.result
  if result == nil then return end
  ctx.task = type(result) == "table" and alc.json_encode(result) or tostring(result)
end

local function leave_out(ctx, name, e)
  local why = shown(e)
  alc.log("warn", format("alc.pipe: stage '%s' failed and was left out: %s", name, why))
  record(ctx, { strategy = name, error = why })
end

local function attempt(run, ctx, abort)
  if abort then return true, run(ctx) end
  return pcall(run, ctx)
end

-- pipe runs strategies in a row, each with the result of the one before as its task.
function def.pipe(strategies, ctx, opts)
  if type(strategies) ~= "table" or #strategies == 0 then
    error("alc.pipe: strategies must be a non-empty array", 2)
  end
  if type(ctx) ~= "table" then error("alc.pipe: ctx must be a table", 2) end
  local o = options(opts, "pipe", 3)
  local abort = (o.on_error or "abort") == "abort"
  local current = {}
  for k, v in pairs(ctx) do current[k] = v end
  current.pipe_history = {}
  local last = #strategies
  for i = 1, last do
    local name, run = stage(strategies[i], i)
    if name == nil then error(run, 2) end
    local ok, returned = attempt(run, current, abort)
    if ok then
      local why = unusable(returned, name)
      if why then error(why, 2) end
      current = returned
      record(current, { strategy = name, result = current.result })
      if i < last then hand_over(current) end
      if o.on_stage then o.on_stage(i, name, current) end
    else
      leave_out(current, name, returned)
    end
  end
  return current
end
