// Package internal holds the tests of the house rules: who may import whom,
// how long a function may be, what may not be written at all.
package internal

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const module = "heartline/"

// rank orders the layers: a package may import its own layer's platform of
// lower rank only. cmd → app → api → wings → platform.
var rank = []struct {
	prefix string
	rank   int
}{
	{"heartline/cmd", 5},
	{"heartline/e2e", 5},
	{"heartline/internal/app", 4},
	{"heartline/internal/demo", 3},
	{"heartline/internal/bench", 3},
	{"heartline/internal/api", 2},
	{"heartline/internal/contact", 1},
	{"heartline/internal/care", 1},
	{"heartline/internal/insight", 1},
	{"heartline/internal/edge", 1},
	{"heartline/internal/platform", 0},
	{"heartline/web", 0},
	{"heartline/api", 0},
}

// allowed lists the only imports between wings, and between care packages.
var allowed = map[string][]string{
	"heartline/internal/insight/kpi": {"heartline/internal/contact/callrecord"},
}

// only says which packages alone may import a library.
var only = map[string][]string{
	"github.com/emiago/sipgo":       {"heartline/internal/contact/sip"},
	"github.com/pion/":              {"heartline/internal/contact/media"},
	"github.com/danielgtaylor/huma": {"heartline/internal/api"},
	"github.com/tink-crypto":        {"heartline/internal/platform/crypto"},
	"github.com/jackc/pgx":          {"heartline/internal/platform/store"},
	"modernc.org/sqlite":            {"heartline/internal/platform/store", "heartline/internal/platform/backup"},
}

// longFunctions may exceed 60 lines: each is one table or one protocol list
// that reads worse when cut.
var longFunctions = map[string]bool{}

// longFiles may exceed 500 lines.
var longFiles = map[string]bool{}

const maxFunction, maxFile, maxVue = 60, 500, 300

type source struct {
	path, pkg string
	file      *ast.File
	set       *token.FileSet
	lines     int
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || d.Name() == ".git" || d.Name() == "var" || d.Name() == "testdata") {
			return filepath.SkipDir
		}
		if !strings.HasSuffix(path, ".go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, text, parser.ParseComments)
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel("..", filepath.Dir(path))
		all = append(all, source{path: path, pkg: module + filepath.ToSlash(rel), file: file, set: set, lines: strings.Count(string(text), "\n")})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("found only %d Go files: the walk is broken", len(all))
	}
	return all
}

func rankOf(pkg string) int {
	for _, r := range rank {
		if pkg == r.prefix || strings.HasPrefix(pkg, r.prefix+"/") {
			return r.rank
		}
	}
	return -1
}

func wing(pkg string) string {
	rest, ok := strings.CutPrefix(pkg, module+"internal/")
	if !ok {
		return ""
	}
	head, _, _ := strings.Cut(rest, "/")
	return head
}

func isTest(s source) bool { return strings.HasSuffix(s.path, "_test.go") }

// TestImports checks the dependency rules of the design, §2.
func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		for _, imp := range s.file.Imports {
			path := strings.Trim(imp.Path.Value, `"`)
			checkLibrary(t, s, path)
			if strings.HasPrefix(path, module) && !isTest(s) {
				checkLayer(t, s, path)
			}
		}
	}
}

func checkLibrary(t *testing.T, s source, path string) {
	for lib, owners := range only {
		if !strings.HasPrefix(path, lib) {
			continue
		}
		ok := false
		for _, o := range owners {
			ok = ok || s.pkg == o || strings.HasPrefix(s.pkg, o+"/")
		}
		if !ok {
			t.Errorf("%s imports %s, which belongs to %v alone", s.path, path, owners)
		}
	}
}

func checkLayer(t *testing.T, s source, path string) {
	from, to := rankOf(s.pkg), rankOf(path)
	if from < 0 || to < 0 {
		t.Errorf("%s: %s or %s is in no layer of the design", s.path, s.pkg, path)
		return
	}
	if to > from {
		t.Errorf("%s imports %s: the arrow points up", s.path, path)
	}
	if from != 1 || to != 1 {
		return
	}
	sameWing := wing(s.pkg) == wing(path)
	if sameWing && (wing(path) != "care" || s.pkg == path || strings.HasPrefix(path, s.pkg+"/")) {
		return
	}
	for _, ok := range allowed[s.pkg] {
		if ok == path {
			return
		}
	}
	t.Errorf("%s imports %s: wings and care packages meet in app, or in the table of this test", s.path, path)
}

// TestShape checks sizes, package comments, and words that must not occur.
func TestShape(t *testing.T) {
	documented := map[string]bool{}
	packages := map[string]bool{}
	for _, s := range sources(t) {
		if s.lines > maxFile && !longFiles[s.path] {
			t.Errorf("%s has %d lines, at most %d", s.path, s.lines, maxFile)
		}
		base := filepath.Base(filepath.Dir(s.path))
		if base == "util" || base == "utils" || base == "common" || base == "models" {
			t.Errorf("%s: a package is named for what it does", s.path)
		}
		if !isTest(s) {
			packages[s.pkg] = true
			documented[s.pkg] = documented[s.pkg] || s.file.Doc != nil
		}
		for _, d := range s.file.Decls {
			checkFunction(t, s, d)
		}
	}
	for p := range packages {
		if !documented[p] {
			t.Errorf("package %s has no doc comment", p)
		}
	}
}

func checkFunction(t *testing.T, s source, d ast.Decl) {
	fn, ok := d.(*ast.FuncDecl)
	if !ok {
		return
	}
	lines := s.set.Position(fn.End()).Line - s.set.Position(fn.Pos()).Line + 1
	if lines > maxFunction && !longFunctions[s.path+":"+fn.Name.Name] {
		t.Errorf("%s: %s has %d lines, at most %d", s.path, fn.Name.Name, lines, maxFunction)
	}
	if fn.Name.Name == "init" && fn.Recv == nil {
		t.Errorf("%s: init hides an order of things", s.path)
	}
	if !isTest(s) {
		return
	}
	ast.Inspect(fn, func(n ast.Node) bool {
		call, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if x, ok := call.X.(*ast.Ident); ok && x.Name == "time" && call.Sel.Name == "Sleep" {
			t.Errorf("%s: %s sleeps; wait for the condition instead", s.path, fn.Name.Name)
		}
		return true
	})
}

// TestVueFiles keeps components small enough to read.
func TestVueFiles(t *testing.T) {
	err := filepath.WalkDir(filepath.Join("..", "web", "src"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".vue") {
			return err
		}
		text, err := os.ReadFile(path)
		if n := strings.Count(string(text), "\n"); n > maxVue {
			t.Errorf("%s has %d lines, at most %d", path, n, maxVue)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
