-- What a replay cannot hold steady.
local cache = setmetatable({}, { __mode = "k" })
local meta = {}
meta.__mode = "v"
meta.__gc = function() end
local t, named = {}, {}
setmetatable(named, { __tostring = function() return "named" end })
local key = tostring(t) .. tostring(named) .. tostring({}) .. tostring(1)
print(alc.fingerprint(function() end), alc.fingerprint("text"))
print(string.format("%p %d%%", t, 1), ("%5p"):format(t), ("100%%p"):format())
collectgarbage()
collectgarbage("count")
if collectgarbage("count") > 1000 then return key end
local total = tostring(t) -- alc check: ignore
-- alc check: ignore
total = total .. tostring(t)
return cache, total
