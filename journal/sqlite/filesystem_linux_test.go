package sqlite

import (
	"strings"
	"testing"
)

func TestRefuseNetwork(t *testing.T) {
	for kind, want := range map[int64]string{0x6969: "NFS", 0xff534d42: "CIFS", 0x01021997: "9P"} {
		err := refuseNetwork("/home/x", kind)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "ALC_HOME") {
			t.Errorf("%x: %v", kind, err)
		}
	}
	for _, kind := range []int64{0xef53, 0x58465342, 0x9123683e, 0x01021994} { // ext4, XFS, Btrfs, tmpfs
		if err := refuseNetwork("/home/x", kind); err != nil {
			t.Errorf("%x: %v", kind, err)
		}
	}
}
