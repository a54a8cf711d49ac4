// Package pgcluster runs a private PostgreSQL from the programs installed on
// this machine, for tests and benches: in a temporary folder, reachable by a
// socket in it only, gone with the process that started it. It does not know
// what the database is for.
package pgcluster

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// keeper runs the server and ends it, and removes its folder, as soon as the
// pipe on its standard input closes: whatever way the test process ends, no
// server and no folder stay behind.
const keeper = `
"$1/postgres" -D "$2/data" >"$2/log" 2>&1 </dev/null &
pid=$!
cat >/dev/null
kill -INT $pid
wait $pid
rm -rf "$2"
`

// Durability says what a commit waits for.
type Durability bool

// The durabilities: tests are quick, benches tell the truth.
const (
	Quick   Durability = false // not for the disk
	Durable Durability = true  // for the disk, as in a hospital
)

// Start initialises and runs a private PostgreSQL that listens on a socket in
// its own temporary folder only, and returns its address. The server lives as
// long as the returned leash is neither closed nor garbage: the caller must
// hold on to it.
func Start(d Durability) (dsn string, leash io.Closer, err error) {
	bin, err := findBinaries()
	if err != nil {
		return "", nil, err
	}
	cred, err := otherUser()
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("/tmp", "hlpg") // short: a socket path has 107 bytes at most
	if err != nil {
		return "", nil, err
	}
	if cred != nil {
		if err := os.Chown(dir, int(cred.Uid), int(cred.Gid)); err != nil {
			return "", nil, err
		}
	}
	if err := initCluster(bin, dir, cred, d); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	cmd := exec.Command("/bin/sh", "-c", keeper, "keeper", bin, dir)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred, Setpgid: true}
	if leash, err = cmd.StdinPipe(); err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, errors.Join(err, os.RemoveAll(dir))
	}
	dsn, err = waitReady(dir)
	return dsn, leash, err
}

func initCluster(bin, dir string, cred *syscall.Credential, d Durability) error {
	cmd := exec.Command(filepath.Join(bin, "initdb"), "-D", filepath.Join(dir, "data"), "-U", "heartline",
		"-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: cred}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	conf := fmt.Sprintf("listen_addresses=''\nunix_socket_directories='%s'\nmax_connections=200\n", dir)
	if d == Durable { // what is usual on a machine of its own
		conf += "shared_buffers=1GB\nmaintenance_work_mem=512MB\nmax_wal_size=8GB\nrandom_page_cost=1.1\neffective_cache_size=8GB\n"
	}
	if d == Quick {
		conf += "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\nshared_buffers=32MB\nautovacuum=off\nmax_wal_size=256MB\n"
	}
	f, err := os.OpenFile(filepath.Join(dir, "data", "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(conf)
	return errors.Join(err, f.Close())
}

func waitReady(dir string) (string, error) {
	dsn := "postgres:///postgres?user=heartline&sslmode=disable&host=" + url.QueryEscape(dir)
	db, err := sql.Open("pgx", dsn)
	if err != nil {
		return "", err
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	poll := time.NewTicker(50 * time.Millisecond)
	defer poll.Stop()
	for {
		err := db.PingContext(ctx)
		if err == nil {
			return dsn, nil
		}
		select {
		case <-ctx.Done():
			log, _ := os.ReadFile(filepath.Join(dir, "log"))
			return "", fmt.Errorf("private cluster does not answer: %w\n%s", err, log)
		case <-poll.C:
		}
	}
}

// findBinaries looks for the server programs where distributions put them.
func findBinaries() (string, error) {
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"} {
		dirs, _ := filepath.Glob(pattern)
		for i := len(dirs) - 1; i >= 0; i-- { // the newest last
			if _, err := os.Stat(filepath.Join(dirs[i], "initdb")); err == nil {
				return dirs[i], nil
			}
		}
	}
	path, err := exec.LookPath("initdb")
	if err != nil {
		return "", errors.New("no PostgreSQL programs found")
	}
	return filepath.Dir(path), nil
}

// otherUser picks whom the server runs as when we are root, which PostgreSQL
// refuses to be; nil means ourselves.
func otherUser() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("running as root, and there is no user postgres or nobody to run PostgreSQL as")
}
