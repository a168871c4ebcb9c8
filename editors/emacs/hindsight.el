;;; hindsight.el --- Values of past training runs, through Eglot  -*- lexical-binding: t; -*-

;; Package-Requires: ((emacs "28.1") (eglot "1.9"))

;;; Commentary:

;; `M-x hindsight', or `hindsight' in `python-mode-hook', starts the server for the buffer's project.
;; Eglot runs one server in a buffer: this one takes the place of the usual one there, and nowhere else.

;;; Code:

(require 'cl-lib)
(require 'eglot)
(require 'project)

(defgroup hindsight nil
  "Values of past training runs beside log statements."
  :group 'tools)

(defcustom hindsight-command '("hindsight" "lsp")
  "The language server's command line."
  :type '(repeat string))

(defvar hindsight-modes '(python-mode python-ts-mode)
  "The major modes that the server is for.")

(defun hindsight--contact (&optional _interactive _project)
  "The command line, read when a server is started."
  hindsight-command)

(defun hindsight--project (directory)
  "The project around DIRECTORY that has recorded runs."
  (let ((root (locate-dominating-file directory ".hindsight")))
    (and root (cons 'hindsight root))))

(cl-defmethod project-root ((project (head hindsight)))
  "The folder that holds PROJECT's recorded runs."
  (cdr project))

;;;###autoload
(defun hindsight ()
  "Show the values of past runs in this buffer."
  (interactive)
  (setq-local eglot-server-programs
              (cons (cons hindsight-modes #'hindsight--contact) eglot-server-programs))
  ;; After the usual ways of finding a project: for one that is under no version control.
  (add-hook 'project-find-functions #'hindsight--project t t)
  (eglot-ensure))

(provide 'hindsight)
;;; hindsight.el ends here
