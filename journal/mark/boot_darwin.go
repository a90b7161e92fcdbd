package mark

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// BootID names the present boot of this machine: it changes when the machine is started anew.
func BootID() (string, error) {
	id, err := unix.Sysctl("kern.bootsessionuuid")
	if err != nil {
		return "", fmt.Errorf("asking for the boot id: %w", err)
	}
	return id, nil
}
