//go:build linux || darwin

package pgtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// standbyName is what the primary knows its standby by.
const standbyName = "standby"

// Pair is a primary and a standby that confirms each of its commits.
type Pair struct {
	t       testing.TB
	Primary *Node
	Standby *Node
}

// NewPair starts a primary and its synchronous standby, from the programs that the
// other tests use. They are the test's own, and end with it. Where they cannot be had
// the test is skipped, as with Database.
func NewPair(t testing.TB) *Pair {
	t.Helper()
	bin, err := ownServers()
	if err != nil {
		if os.Getenv("PBX_POSTGRES_REQUIRED") == "1" {
			t.Fatalf("pgtest: PBX_POSTGRES_REQUIRED is set: %v", err)
		}
		t.Skip(err)
	}
	as, err := account()
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	folder, err := newFolder(as)
	if err != nil {
		t.Fatalf("pgtest: %v", err)
	}
	p := &Pair{t: t}
	t.Cleanup(func() {
		p.end()
		if err := os.RemoveAll(folder); err != nil {
			t.Errorf("pgtest: %v", err)
		}
	})
	superuser := "pbx_" + random()
	if p.Primary, err = newNode(bin, folder, "primary", superuser, as); err == nil {
		p.Standby, err = newNode(bin, folder, "standby", superuser, as)
	}
	if err == nil {
		err = p.begin()
	}
	if err != nil {
		t.Fatalf("pgtest: a primary with a standby: %v", err)
	}
	return p
}

// ownServers returns the folder of the programs, unless servers are not wanted.
func ownServers() (string, error) {
	switch {
	case os.Getenv("PBX_POSTGRES") == "off":
		return "", errors.New("PBX_POSTGRES is off")
	case testing.Short():
		return "", errors.New("short tests start no servers")
	}
	return binaries()
}

// begin makes the primary, makes the standby as a copy of it, and starts both.
func (p *Pair) begin() error {
	n := p.Primary
	if err := n.run(filepath.Join(n.bin, "initdb"), "--no-sync", "--auth=trust", "--username="+n.superuser,
		"--encoding=UTF8", "--locale=C", "--pgdata="+n.folder); err != nil {
		return err
	}
	if err := n.run("cp", "-a", n.folder, p.Standby.folder); err != nil {
		return err
	}
	if err := p.StartPrimary(); err != nil {
		return err
	}
	if err := p.Standby.run("touch", filepath.Join(p.Standby.folder, "standby.signal")); err != nil {
		return err
	}
	return p.StartStandby()
}

// StartPrimary starts the primary, and again after a crash. It does not commit
// without its standby.
func (p *Pair) StartPrimary() error {
	return p.Primary.start("synchronous_standby_names=" + standbyName)
}

// StartStandby starts the standby, and again after a crash, and waits until the
// primary counts on it.
func (p *Pair) StartStandby() error {
	if err := p.StartStandbyAlone(); err != nil {
		return err
	}
	return p.WaitInSync()
}

// StartStandbyAlone starts the standby where the primary may be away.
func (p *Pair) StartStandbyAlone() error {
	return p.Standby.start(fmt.Sprintf("primary_conninfo=application_name=%s host=127.0.0.1 port=%s user=%s",
		standbyName, p.Primary.port, p.Primary.superuser))
}

// WaitInSync waits until the primary counts on the standby.
func (p *Pair) WaitInSync() error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if state, err := p.Primary.ask("SELECT sync_state FROM pg_stat_replication"); err == nil && state == "sync" {
			return nil
		}
	}
	return errors.New("the standby does not follow: " + p.Standby.lastWords())
}

// Promote makes a primary of the standby.
func (p *Pair) Promote() error {
	if _, err := p.Standby.ask("SELECT pg_promote(false)"); err != nil {
		return err
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if state, err := p.Standby.ask("SELECT pg_is_in_recovery()"); err == nil && state == "f" {
			return nil
		}
	}
	return errors.New("the standby is not promoted: " + p.Standby.lastWords())
}

// end ends both servers, whatever state they are in.
func (p *Pair) end() {
	for _, n := range []*Node{p.Primary, p.Standby} {
		if n != nil {
			n.Kill()
		}
	}
}
