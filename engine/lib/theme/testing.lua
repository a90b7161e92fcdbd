-- alc.testing: what the package tester's sandbox needs of the library beyond what scripts have.
local sys, alc, lib, def = ...

-- traceback is the call stack as text, from a level on, as the standard debug.traceback gives it.
def.traceback = sys.traceback
