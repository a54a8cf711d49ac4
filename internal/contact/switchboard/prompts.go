package switchboard

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"

	"heartline/internal/platform/errs"
	"heartline/internal/platform/identity"
	"heartline/internal/platform/store"
)

// pack holds the recordings that come with the program: one folder a
// language, prompts.json with what each says, one WAV file a key.
//
//go:embed all:prompts
var pack embed.FS

var promptKeyPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,63}$`)

// PromptUpload is a new recording of a prompt.
type PromptUpload struct {
	Key      string
	Language string
	Name     string
	Text     string
	Source   string // upload or browser
	WAV      []byte
}

// shippedPrompts reads whatever languages and keys the pack has.
func shippedPrompts() (map[promptKey]Prompt, error) {
	out := make(map[promptKey]Prompt)
	langs, err := fs.ReadDir(pack, "prompts")
	if err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	for _, lang := range langs {
		if !lang.IsDir() {
			continue
		}
		if err := shippedLanguage(out, lang.Name()); err != nil {
			return nil, fmt.Errorf("read prompts %s: %w", lang.Name(), err)
		}
	}
	return out, nil
}

func shippedLanguage(out map[promptKey]Prompt, lang string) error {
	texts := make(map[string]string)
	if b, err := pack.ReadFile(path.Join("prompts", lang, "prompts.json")); err == nil {
		if err := json.Unmarshal(b, &texts); err != nil {
			return fmt.Errorf("prompts.json: %w", err)
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	files, err := fs.Glob(pack, path.Join("prompts", lang, "*.wav"))
	if err != nil {
		return err
	}
	for _, file := range files {
		key := strings.TrimSuffix(path.Base(file), ".wav")
		b, err := pack.ReadFile(file)
		if err != nil {
			return err
		}
		d, err := checkWAV(b)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		out[promptKey{key, lang}] = Prompt{
			Key: key, Language: lang, Name: key, Text: texts[key], Source: SourceShipped,
			SHA: hash(b), Duration: d, Bytes: int64(len(b)), Shipped: true,
		}
	}
	return nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Prompts lists all prompts by language and key.
func (s *Service) Prompts(ctx context.Context) ([]Prompt, error) {
	if _, err := identity.Require(ctx, identity.AdminTelephony, identity.AdminFlows); err != nil {
		return nil, err
	}
	return s.Current(ctx).promptList(), nil
}

// PromptWAV returns the sound file of a prompt found in a Snapshot. A file
// that is gone is errs.NotFound: the caller plays a tone and raises an alarm.
func (s *Service) PromptWAV(_ context.Context, p Prompt) ([]byte, error) {
	if p.Source == SourceShipped {
		b, err := pack.ReadFile(path.Join("prompts", p.Language, p.Key+".wav"))
		if err != nil {
			return nil, errs.Wrap(errs.NotFound, "switchboard.prompt_missing", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(s.promptFile(p.SHA))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errs.Wrap(errs.NotFound, "switchboard.prompt_missing", err)
	}
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	if hash(b) != p.SHA {
		return nil, errs.New(errs.NotFound, "switchboard.prompt_damaged")
	}
	return b, nil
}

// PutPrompt stores a recording; it replaces an earlier one and stands before
// a shipped one.
func (s *Service) PutPrompt(ctx context.Context, up PromptUpload) (Prompt, error) {
	who, err := identity.Require(ctx, identity.AdminTelephony, identity.AdminFlows)
	if err != nil {
		return Prompt{}, err
	}
	p, err := s.checkUpload(up)
	if err != nil {
		return Prompt{}, err
	}
	if err := s.savePromptFile(p.SHA, up.WAV); err != nil {
		return Prompt{}, err
	}
	err = s.write(ctx, "prompt", p.Key, func(tx *store.Tx) error {
		if err := upsertPrompt(ctx, tx, p); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "prompt.put", "prompt", p.Key,
			map[string]any{"language": p.Language, "sha": p.SHA, "source": p.Source})
	})
	return p, err
}

func (s *Service) checkUpload(up PromptUpload) (Prompt, error) {
	var f errs.Fields
	matches(&f, "key", up.Key, promptKeyPattern, "switchboard.prompt_key_invalid")
	language(&f, "language", &up.Language)
	label(&f, "name", &up.Name, false)
	if len([]rune(up.Text)) > 2000 {
		f.Add("text", "too_long")
	}
	if up.Source == "" {
		up.Source = SourceUpload
	}
	oneOf(&f, "source", up.Source, SourceUpload, SourceBrowser)
	d, werr := checkWAV(up.WAV)
	if werr != nil {
		var e *errs.Error
		if !errors.As(werr, &e) {
			return Prompt{}, werr
		}
		if e.Kind == errs.TooLarge {
			return Prompt{}, e
		}
		f.Add("audio", e.Key)
	}
	if err := f.Err(); err != nil {
		return Prompt{}, err
	}
	p := Prompt{
		Key: up.Key, Language: up.Language, Name: up.Name, Text: up.Text, Source: up.Source,
		SHA: hash(up.WAV), Duration: d, Bytes: int64(len(up.WAV)), UpdatedAt: s.now(),
	}
	under, ok := s.shipped[promptKey{p.Key, p.Language}]
	p.Shipped = ok
	if p.Name == "" {
		p.Name = p.Key
	}
	if p.Text == "" {
		p.Text = under.Text
	}
	return p, nil
}

// DeletePrompt removes a hospital's own recording. A shipped one comes back;
// one without is gone, which a published flow that plays it forbids.
func (s *Service) DeletePrompt(ctx context.Context, key, lang string) error {
	who, err := identity.Require(ctx, identity.AdminTelephony, identity.AdminFlows)
	if err != nil {
		return err
	}
	_, shipped := s.shipped[promptKey{key, lang}]
	var unused string
	err = s.write(ctx, "prompt", key, func(tx *store.Tx) error {
		unused = ""
		if !shipped {
			if err := promptUnused(ctx, tx, key, lang); err != nil {
				return err
			}
		}
		sha, err := deletePrompt(ctx, tx, key, lang)
		if err != nil {
			return err
		}
		if unused, err = unusedSHA(ctx, tx, sha); err != nil {
			return err
		}
		return s.auditTx(ctx, tx, who, "prompt.delete", "prompt", key, map[string]any{"language": lang, "sha": sha})
	})
	if err == nil && unused != "" {
		if rerr := os.Remove(s.promptFile(unused)); rerr != nil && !errors.Is(rerr, fs.ErrNotExist) {
			s.log.WarnContext(ctx, "remove unused prompt file", "error", rerr)
		}
	}
	return err
}

func (s *Service) promptFile(sha string) string {
	return filepath.Join(s.dir, sha[:min(2, len(sha))], sha+".wav")
}

// savePromptFile writes the file and makes sure that it is on disk before the
// database names it.
func (s *Service) savePromptFile(sha string, wav []byte) error {
	name := s.promptFile(sha)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return fmt.Errorf("save prompt: %w", err)
	}
	tmp, err := os.CreateTemp(filepath.Dir(name), ".new-*")
	if err != nil {
		return fmt.Errorf("save prompt: %w", err)
	}
	_, err = tmp.Write(wav)
	err = errors.Join(err, tmp.Sync(), tmp.Close())
	if err == nil {
		err = os.Rename(tmp.Name(), name)
	}
	if err != nil {
		_ = os.Remove(tmp.Name())
		return fmt.Errorf("save prompt: %w", err)
	}
	return nil
}
