-- Places that cannot wait for the model.
local function ask() return alc.llm("What am I?") end
local m = {
  __tostring = ask,
  __index = function(_, k) return alc.llm(k) end,
}
m.__tostring = function(self)
  local parts = alc.map(self, function(x) return alc.llm_batch { { prompt = x } }[1] end)
  return table.concat(parts)
end
xpcall(print, function(e) return alc.llm(e) end)
xpcall(print, alc.llm)
xpcall(function() return alc.llm("fine here") end, print)
table.sort({ 1, 2 }, function(a, b) return alc.llm(a .. b) == "yes" end)
