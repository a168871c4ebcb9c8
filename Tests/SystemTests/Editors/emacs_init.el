;; A user's init.el: what editors/emacs/README.md says, with the paths of this test.  -*- lexical-binding: t; -*-
(package-initialize)
(load (expand-file-name "hindsight.el" (getenv "TEST_SETUP")))
(setq hindsight-command (list (getenv "TEST_SERVER") "lsp"))
(add-hook 'python-mode-hook #'hindsight)
