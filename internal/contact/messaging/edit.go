package messaging

import (
	"context"

	"heartline/internal/platform/audit"
	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// current is the template in force.
func (s *Service) current(ctx context.Context, tx *store.Tx, name, lang string) (Template, error) {
	t, ok, err := newest(ctx, tx, name, lang)
	if err != nil || ok {
		return t, err
	}
	return shippedTemplate(name, lang), nil
}

func shippedTemplate(name, lang string) Template {
	return Template{Name: name, Lang: lang, Version: 1, Text: shipped(name, lang), Enabled: true}
}

// Templates lists the templates in force, in the order of Kinds and Langs.
func (s *Service) Templates(ctx context.Context) ([]Template, error) {
	if _, err := identity.Require(ctx, identity.MessageRead); err != nil {
		return nil, err
	}
	var edited []Template
	err := s.d.DB.Read(ctx, func(tx *store.Tx) (err error) {
		edited, err = editions(ctx, tx, "")
		return err
	})
	if err != nil {
		return nil, err
	}
	latest := map[[2]string]Template{}
	for _, t := range edited {
		if old, ok := latest[[2]string{t.Name, t.Lang}]; !ok || t.Version > old.Version {
			latest[[2]string{t.Name, t.Lang}] = t
		}
	}
	var out []Template
	for _, k := range Kinds() {
		for _, lang := range Langs() {
			t, ok := latest[[2]string{k.Name, lang}]
			if !ok {
				t = shippedTemplate(k.Name, lang)
			}
			out = append(out, t)
		}
	}
	return out, nil
}

// Versions lists the texts that a template ever had, the newest first.
func (s *Service) Versions(ctx context.Context, name, lang string) ([]Template, error) {
	if _, err := identity.Require(ctx, identity.MessageRead); err != nil {
		return nil, err
	}
	if _, ok := kindOf(name); !ok || langOf(lang) != lang {
		return nil, errs.New(errs.NotFound, "message.template_unknown")
	}
	var out []Template
	err := s.d.DB.Read(ctx, func(tx *store.Tx) error {
		out = nil
		all, err := editions(ctx, tx, name)
		for _, t := range all {
			if t.Lang == lang {
				out = append(out, t)
			}
		}
		return err
	})
	return append(out, shippedTemplate(name, lang)), err
}

// SaveTemplate stores a new text for a kind. version is the one that was read.
func (s *Service) SaveTemplate(ctx context.Context, t Template) (Template, error) {
	who, err := identity.Require(ctx, identity.MessageWrite)
	if err != nil {
		return t, err
	}
	k, ok := kindOf(t.Name)
	if !ok || langOf(t.Lang) != t.Lang {
		return t, errs.New(errs.NotFound, "message.template_unknown")
	}
	if _, err := k.check(t.Text); err != nil {
		return t, err
	}
	if k.Class == ClassOTP && !t.Enabled {
		return t, errs.InvalidField("enabled", "message.template_needed")
	}
	err = s.d.DB.Write(ctx, func(tx *store.Tx) error {
		old, err := s.current(ctx, tx, t.Name, t.Lang)
		if err != nil {
			return err
		}
		if old.Version != t.Version {
			return errs.New(errs.Conflict, "message.template_changed")
		}
		next := t
		next.Version, next.Actor, next.ActorName, next.CreatedAt = old.Version+1, who.UserID, who.Name, s.d.Now()
		if err := insertTemplate(ctx, tx, next); err != nil {
			if store.IsUnique(err) {
				return errs.Wrap(errs.Conflict, "message.template_changed", err)
			}
			return err
		}
		err = s.d.Audit.Append(ctx, tx, audit.Entry{At: s.d.Now(), Actor: who.UserID, ActorName: who.Name, Action: "message.template",
			Object: "template", ObjectID: t.Name, IP: who.IP, RequestID: who.RequestID,
			Detail: map[string]any{"lang": t.Lang, "version": next.Version, "enabled": t.Enabled}})
		if err == nil {
			tx.AfterCommit(func() { t = next })
		}
		return err
	})
	return t, err
}

// PreviewTemplate fills a text with samples, or with params where given.
func (s *Service) PreviewTemplate(ctx context.Context, name, lang, text string, params map[string]string) (Preview, error) {
	if _, err := identity.Require(ctx, identity.MessageRead); err != nil {
		return Preview{}, err
	}
	k, ok := kindOf(name)
	if !ok || langOf(lang) != lang {
		return Preview{}, errs.New(errs.NotFound, "message.template_unknown")
	}
	values := s.house(k.samples(lang), lang)
	for p, v := range params {
		if _, ok := k.param(p); !ok {
			return Preview{}, errs.New(errs.Invalid, "message.param_unknown", "param", p)
		}
		values[p] = v
	}
	out, err := k.render(text, lang, values)
	if err != nil {
		return Preview{}, err
	}
	return NewPreview(out), nil
}
