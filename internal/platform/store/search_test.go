package store_test

import (
	"context"
	"slices"
	"testing"

	"heartline/internal/platform/store"
	"heartline/internal/platform/store/storetest"
)

func find(t testing.TB, db *store.DB, ix store.SearchIndex, query string) []string {
	t.Helper()
	var ids []string
	err := db.Read(context.WithoutCancel(t.Context()), func(tx *store.Tx) (err error) {
		ids, err = ix.Find(context.Background(), tx, query, 10)
		return err
	})
	if err != nil {
		t.Fatalf("find %q: %v", query, err)
	}
	slices.Sort(ids)
	return ids
}

func TestSearch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ctx := t.Context()
		people, other := store.NewSearchIndex("patient"), store.NewSearchIndex("knowledge")
		err := db.Write(ctx, func(tx *store.Tx) error {
			for id, tok := range map[string]*store.Tokens{
				"1": new(store.Tokens).Text("张小明").Word("zhang xiaoming").Word("zxm"),
				"2": new(store.Tokens).Text("章明").Word("zhangming").Word("zm"),
				"3": new(store.Tokens).Text("José  Müller-Lüdenscheid, Ｗａｒｄ ７").Word("A-17/3"),
				"4": new(store.Tokens).Text("𠮷田明"), // a character beyond the basic plane
				"5": new(store.Tokens),
			} {
				if err := people.Put(ctx, tx, id, tok); err != nil {
					return err
				}
			}
			return other.Put(ctx, tx, "k", new(store.Tokens).Text("张小明写的文章 ward"))
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string][]string{
			"张小明": {"1"}, "小明": {"1"}, "明": {"1", "2", "4"}, "张": {"1"}, "张三": nil,
			"zhang": {"1", "2"}, "ZHANGXIAO": {"1"}, "zxm": {"1"}, "z": nil,
			"jose": {"3"}, "müller lüd": {"3"}, "MULLER ward 7": {"3"}, "a17": {"3"}, "ward 8": nil,
			"𠮷田": {"4"}, "": nil, "！？": nil, `" OR *`: nil, `张' & !'x`: nil, "patient": nil, "NEAR(": nil,
		} {
			if got := find(t, db, people, query); !slices.Equal(got, want) {
				t.Errorf("%q found %v, want %v", query, got, want)
			}
		}
		err = db.Write(ctx, func(tx *store.Tx) error {
			if err := people.Put(ctx, tx, "1", new(store.Tokens).Text("李四")); err != nil {
				return err
			}
			return people.Delete(ctx, tx, "2")
		})
		if err != nil {
			t.Fatal(err)
		}
		for query, want := range map[string][]string{"张小明": nil, "李四": {"1"}, "章明": nil, "明": {"4"}} {
			if got := find(t, db, people, query); !slices.Equal(got, want) {
				t.Errorf("after the change %q found %v, want %v", query, got, want)
			}
		}
		if got := find(t, db, other, "文章"); !slices.Equal(got, []string{"k"}) {
			t.Errorf("the other index found %v", got)
		}
	})
}

func FuzzSearch(f *testing.F) {
	f.Add("张三 zhang", "zh")
	f.Add("\"*()' \x00\xff", "^-:{}")
	db, err := store.Open(context.Background(), "sqlite:"+f.TempDir()+"/f.db")
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = db.Close() })
	ix := store.NewSearchIndex("fuzz")
	f.Fuzz(func(t *testing.T, text, query string) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			return ix.Put(t.Context(), tx, "x", new(store.Tokens).Text(text).Word(text))
		})
		if err != nil {
			t.Fatal(err)
		}
		find(t, db, ix, query)
		find(t, db, ix, text)
	})
}
