package demo

import (
	"embed"
	"fmt"
	"strconv"
	"strings"
)

//go:embed data
var files embed.FS

// division is a district with its code, as it stands in front of an identity
// number.
type division struct {
	code, province, city, district string
	streets                        []string
	weight                         int
}

// condition is one of the teaching examples that histories are made of.
type condition struct {
	department, diagnosis, complaint string
	exams                            []string
	finding                          string
	drugs                            []string
	chronic                          bool
	sex                              string // m, f or a
	from, to, weight                 int    // ages
}

// tables is everything the embedded files hold.
type tables struct {
	divisions   []division
	conditions  []condition
	departments [][]string
	names       map[string]string
	words       map[string][]string
}

// rows reads a tab-separated file without its comment lines.
func rows(name string, width int) ([][]string, error) {
	b, err := files.ReadFile("data/" + name)
	if err != nil {
		return nil, err
	}
	var out [][]string
	for i, l := range strings.Split(string(b), "\n") {
		if l == "" || strings.HasPrefix(l, "#") {
			continue
		}
		f := strings.Split(l, "\t")
		if len(f) != width {
			return nil, fmt.Errorf("%s, line %d: %d fields, want %d", name, i+1, len(f), width)
		}
		out = append(out, f)
	}
	return out, nil
}

func readTables() (tables, error) {
	t := tables{names: make(map[string]string), words: make(map[string][]string)}
	list, err := rows("divisions.tsv", 6)
	if err != nil {
		return t, err
	}
	for _, f := range list {
		w, err := strconv.Atoi(f[1])
		if err != nil {
			return t, fmt.Errorf("divisions.tsv: %w", err)
		}
		t.divisions = append(t.divisions, division{f[0], f[2], f[3], f[4], strings.Split(f[5], ","), w})
	}
	if list, err = rows("medicine.tsv", 11); err != nil {
		return t, err
	}
	for _, f := range list {
		var n [3]int
		for i, s := range f[8:] {
			if n[i], err = strconv.Atoi(s); err != nil {
				return t, fmt.Errorf("medicine.tsv: %w", err)
			}
		}
		t.conditions = append(t.conditions, condition{department: f[0], diagnosis: f[1], complaint: f[2], exams: strings.Split(f[3], ","),
			finding: f[4], drugs: strings.Split(f[5], ","), chronic: f[6] == "1", sex: f[7], from: n[0], to: n[1], weight: n[2]})
	}
	if t.departments, err = rows("departments.tsv", 8); err != nil {
		return t, err
	}
	for _, file := range []string{"names.tsv", "words.tsv"} {
		if list, err = rows(file, 2); err != nil {
			return t, err
		}
		for _, f := range list {
			t.names[f[0]], t.words[f[0]] = f[1], strings.Fields(f[1])
		}
	}
	return t, nil
}
