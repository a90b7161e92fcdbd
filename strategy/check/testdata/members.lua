-- Names of the API, right and wrong.
local stats = alc.math
local answer = alc.lml("What?")
print(stats.mean { 1 }, stats.meen { 1 })
alc.log.info("a function has no members")
alc.state.get("k") alc.state.fetch("k")
local ef = require("evalframe")
ef.case { input = "x" } ef.cases {}
_G.alc.teleport()
os.spawn("ls")
-- Known by being asked for, or made here.
if alc.hash then alc.hash("x") end
local h = type(alc.digest) == "function" and alc.digest("x") or nil
function alc.helper() return 1 end
alc.helper()
alc.env.ANYTHING = nil
print(alc.env.PATH, alc._dirs.state, answer, h)
-- Not the API's.
local alc = { anything = print }
alc.anything()
local os = {}
os.anything = 1
