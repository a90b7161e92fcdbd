package pkgtest

import (
	"embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed lua/*.lua
var luaFiles embed.FS

// sandboxParts are the Lua side of the sandbox in the order in which they run.
var sandboxParts = []string{"prepare", "show", "lust", "doubles", "mocks", "run"}

// sandboxName is the chunk name of the sandbox; its lines do not show in tracebacks.
const sandboxName = "pkgtest"

// sandboxCode is the script that runs one spec file: the parts, each in a function of its own, which
// share the table kit. The last one returns the outcome.
var sandboxCode = sync.OnceValues(func() ([]byte, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "local kit = { name = %q }\n", sandboxName)
	for _, part := range sandboxParts {
		src, err := luaFiles.ReadFile("lua/" + part + ".lua")
		if err != nil {
			return nil, fmt.Errorf("reading the sandbox: %w", err)
		}
		end := "end part(kit)"
		if part == "run" {
			end = "end return part(kit)"
		}
		fmt.Fprintf(&b, "do local function part(...)\n%s\n%s end\n", src, end)
	}
	return []byte(b.String()), nil
})
