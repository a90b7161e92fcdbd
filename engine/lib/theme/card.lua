--@ alc.card
-- alc.card: records of runs, kept in the home. A card crosses to the host as JSON text.
local sys, alc, lib, def = ...
local type, error, tostring = type, error, tostring
local format, sub = string.format, string.sub
local request, encode, decode = sys.request, sys.json_encode, sys.json_decode
local text, options, whole = lib.text, lib.options, lib.whole

-- object encodes what must be a table with names for keys.
local function object(v, message)
  if type(v) ~= "table" then error(message, 3) end
  local json = encode(v)
  if sub(json, 1, 1) ~= "{" then error(message, 3) end
  return json
end

-- result decodes what the host answers; nothing stays nil.
local function result(json)
  if json == nil then return nil end
  return decode(json)
end

-- word returns an optional text of a table of options.
local function word(v, fname, i)
  if v == nil then return nil end
  return text(v, fname, i)
end

-- count returns an optional number of things, a whole one that is not negative.
local function count(v, name)
  if v == nil then return nil end
  local n = whole(v)
  if n == nil or n < 0 then
    error(format("alc.card: %s must be a number that is not negative, got %s", name, tostring(v)), 3)
  end
  return n
end

-- json encodes an option that is there.
local function json(v)
  if v == nil then return nil end
  return encode(v)
end

function def.create(t)
  local id, path = request("card.create", object(t, "alc.card.create: input must be a table"))
  if id == nil then return nil end
  return { card_id = id, path = path }
end

function def.append(id, fields)
  id = text(id, "append", 1)
  return result((request("card.append", id, object(fields, "alc.card.append: fields must be a table"))))
end

function def.open(t)
  request("card.lifecycle", "open", object(t == nil and {} or t, "alc.card.open: input must be a table"))
  return nil
end

function def.close(id, outcome)
  text(id, "close", 1)
  request("card.lifecycle", "close", object(outcome, "alc.card.close: invalid outcome (a table with a status of succeeded, failed or skipped is required)"))
  return nil
end

function def.get(id)
  return result((request("card.get", text(id, "get", 1))))
end

function def.list(filter)
  filter = options(filter, "list", 1)
  return result((request("card.find", word(filter.pkg, "list", 1), nil, nil, 0, nil)))
end

function def.find(query)
  query = options(query, "find", 1)
  return result((request("card.find", word(query.pkg, "find", 1), json(query.where), json(query.order_by),
    count(query.offset, "offset") or 0, count(query.limit, "limit"))))
end

function def.alias_set(name, id, opts)
  name, id, opts = text(name, "alias_set", 1), text(id, "alias_set", 2), options(opts, "alias_set", 3)
  return result((request("card.alias", name, id, word(opts.pkg, "alias_set", 3), word(opts.note, "alias_set", 3))))
end

function def.alias_list(filter)
  filter = options(filter, "alias_list", 1)
  return result((request("card.aliases", word(filter.pkg, "alias_list", 1))))
end

function def.get_by_alias(name)
  return result((request("card.by_alias", text(name, "get_by_alias", 1))))
end

function def.write_samples(id, samples)
  id = text(id, "write_samples", 1)
  local rows = encode(samples)
  if rows == "{}" then rows = "[]" end
  if type(samples) ~= "table" or sub(rows, 1, 1) ~= "[" then
    error("alc.card.write_samples: samples must be an array", 2)
  end
  local path, n = request("card.samples", id, rows)
  return { path = path, count = n }
end

function def.read_samples(id, opts)
  id, opts = text(id, "read_samples", 1), options(opts, "read_samples", 2)
  return result((request("card.readsamples", id, json(opts.where), count(opts.offset, "offset") or 0, count(opts.limit, "limit"))))
end

function def.lineage(query)
  if type(query) ~= "table" then
    error(format("bad argument #1 to 'lineage' (table expected, got %s)", query == nil and "no value" or type(query)), 2)
  end
  local relations
  if query.relation_filter ~= nil then
    if type(query.relation_filter) ~= "table" then error("alc.card.lineage: relation_filter must be a list of strings", 2) end
    relations = {}
    for i = 1, #query.relation_filter do relations[i] = text(query.relation_filter[i], "lineage", 1) end
  end
  local depth = count(query.depth, "depth") or 10
  return result((request("card.lineage", text(query.card_id, "lineage", 1), word(query.direction, "lineage", 1) or "up", depth,
    query.include_stats ~= false, relations)))
end

function def.sink_backfill(params)
  if type(params) ~= "table" then
    error(format("bad argument #1 to 'sink_backfill' (table expected, got %s)", params == nil and "no value" or type(params)), 2)
  end
  return result((request("card.backfill", text(params.sink, "sink_backfill", 1), not not params.dry_run)))
end

-- values returns the metric of each sample of a card.
local function values(id, metric, where)
  local rows = alc.card.read_samples(id, { where = where })
  if #rows == 0 then error("alc.card.compare: " .. id .. " has no samples to compare", 3) end
  local out = {}
  for i = 1, #rows do
    local v
    if type(metric) == "function" then
      v = metric(rows[i])
    elseif type(rows[i]) == "table" then
      v = rows[i][metric]
    end
    if type(v) ~= "number" then
      error(format("alc.card.compare: row %d of %s has no numeric %s (got %s)", i, id,
        type(metric) == "function" and "metric" or "'" .. metric .. "'", type(v)), 3)
    end
    out[i] = v
  end
  return out
end

-- compare tells whether the samples of two cards differ in a metric, by Welch's test.
function def.compare(a, b, opts)
  if type(a) ~= "string" or type(b) ~= "string" then
    error("alc.card.compare: card_a and card_b must be card_id strings", 2)
  end
  opts = options(opts, "compare", 3)
  local metric, alpha = opts.metric, opts.alpha
  if metric == nil then metric = "score" end
  if type(metric) ~= "string" and type(metric) ~= "function" then
    error("alc.card.compare: metric must be a sample field name or function(row), got " .. type(metric), 2)
  end
  if alpha == nil then alpha = 0.05 end
  if type(alpha) ~= "number" or not (alpha > 0 and alpha < 1) then
    error("alc.card.compare: alpha must be a number in (0, 1)", 2)
  end
  local xs, ys = values(a, metric, opts.where), values(b, metric, opts.where)
  local stats = alc.math
  local test, mean_a, mean_b = stats.welch_t_test(xs, ys), stats.mean(xs), stats.mean(ys)
  local significant, winner = test.p_value < alpha, "none"
  if significant then winner = mean_a > mean_b and "a" or "b" end
  return {
    metric = type(metric) == "function" and "<function>" or metric,
    alpha = alpha,
    a = { card_id = a, n = #xs, mean = mean_a },
    b = { card_id = b, n = #ys, mean = mean_b },
    delta = mean_a - mean_b,
    t_stat = test.t_stat,
    df = test.df,
    p_value = test.p_value,
    significant = significant,
    winner = winner,
  }
end
