package mark

import (
	"fmt"
	"os"
	"strings"
)

// BootID names the present boot of this machine: it changes when the machine is started anew.
func BootID() (string, error) {
	p, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("asking for the boot id: %w", err)
	}
	return strings.TrimSpace(string(p)), nil
}
