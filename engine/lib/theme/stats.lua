--@ alc.stats
-- alc.stats: what a script measures of itself.
local sys, alc, lib, def = ...
local note, encode, decode, text = sys.note, sys.json_encode, sys.json_decode, lib.text

local recorded = {}

function def.record(key, value)
  key = text(key, "record", 1)
  local json = encode(value)
  recorded[key] = json
  note("stat", key, json)
end

function def.get(key)
  local json = recorded[text(key, "get", 1)]
  if json == nil then return nil end
  return decode(json)
end

-- A child of alc.fork reads 0: its queries are counted by its parent.
function def.llm_calls() return lib.child and 0 or lib.asked() end

