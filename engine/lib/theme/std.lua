--@ std json fs time
-- std: what the evaluation library stands on.
local sys, alc, lib, def = ...
local request, text = sys.request, lib.text

def.json = { decode = function(s) return alc.json_decode(s) end, encode = function(v) return alc.json_encode(v) end }
def.fs = {
  read = function(path)
    path = text(path, "read", 1)
    local data, why, code = request("file.read", path)
    if data == nil then return nil, path .. ": " .. why, code end
    return data
  end,
  is_file = function(path) return (request("file.is", text(path, "is_file", 1))) end,
}
def.time = { now = function() return alc.time() end }
