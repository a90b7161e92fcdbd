-- map, filter, reduce and vote over arrays. Their functions may call the model: one item is done
-- before the next begins.
local sys, alc, lib, def = ...
local type, tostring, error = type, tostring, error
local format, match = string.format, string.match

-- indexable refuses what has no elements, in the name of the caller's caller.
local function indexable(items, fname)
  local t = type(items)
  if t == "table" or t == "string" or t == "userdata" then return items end
  error(format("bad argument #1 to '%s' (table expected, got %s)", fname, items == nil and "no value" or t), 3)
end

local function missing(fn, fname)
  if fn == nil then error(format("bad argument #2 to '%s' (function expected, got no value)", fname), 3) end
end

function def.map(items, fn)
  local results, i = {}, 1
  local item = indexable(items, "map")[1]
  while item ~= nil do
    missing(fn, "map")
    results[i] = fn(item, i)
    i = i + 1
    item = items[i]
  end
  return results
end

function def.filter(items, fn)
  local kept, i = {}, 1
  local item = indexable(items, "filter")[1]
  while item ~= nil do
    missing(fn, "filter")
    if fn(item, i) then kept[#kept + 1] = item end
    i = i + 1
    item = items[i]
  end
  return kept
end

function def.reduce(items, fn, init)
  local acc, first = init, 1
  indexable(items, "reduce")
  if acc == nil then acc, first = items[1], 2 end
  for i = first, #items do
    missing(fn, "reduce")
    acc = fn(acc, items[i], i)
  end
  return acc
end

-- vote counts trimmed answers and returns the one given most often, the first of them on a tie.
function def.vote(answers)
  indexable(answers, "vote")
  local counts, order, i = {}, {}, 1
  while answers[i] ~= nil do
    local answer = match(tostring(answers[i]), "^%s*(.*%S)") or ""
    if counts[answer] == nil then
      order[#order + 1] = answer
      counts[answer] = 0
    end
    counts[answer] = counts[answer] + 1
    i = i + 1
  end
  local winner, best = nil, 0
  for k = 1, #order do
    if counts[order[k]] > best then winner, best = order[k], counts[order[k]] end
  end
  return { winner = winner, count = best, total = #answers }
end
