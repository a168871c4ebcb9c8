;; Types a line into the opened file and writes what Emacs itself then knows to $TEST_RESULT, as JSON.
;; -*- lexical-binding: t; -*-
(require 'json)

(defvar test-result (list (cons 'typed :json-false)))

(defun test-note (key value) (setf (alist-get key test-result) value))

(defun test-wait (seconds condition)
  "Let Emacs work until CONDITION holds, for at most SECONDS; return what it gave."
  (let ((limit (+ (float-time) seconds)) value)
    (while (and (not (setq value (funcall condition))) (< (float-time) limit))
      (accept-process-output nil 0.05))
    value))

(defun test-messages ()
  "What Flymake has for the line that was typed."
  (let ((start (line-beginning-position)) (end (line-end-position)))
    (mapcar #'flymake-diagnostic-text (flymake-diagnostics start end))))

(defun test-session ()
  ;; Their own limits are for people at the keyboard, not for a busy machine.
  (setq eglot-connect-timeout 300 jsonrpc-default-request-timeout 300)
  (find-file (getenv "TEST_FILE"))
  ;; Eglot waits for the command that opened the file to be over; a batch has no command loop.
  (run-hooks 'post-command-hook)
  (unless (test-wait 300 #'eglot-current-server) (error "No server was started"))
  (goto-char (point-min))
  (search-forward (getenv "TEST_ANCHOR"))
  (end-of-line)
  (insert "\n" (getenv "TEST_TEXT"))
  (test-note 'typed t)
  (test-note 'line (line-number-at-pos))
  (test-note 'text (buffer-substring-no-properties (line-beginning-position) (line-end-position)))
  ;; A batch is never idle, and only then are the timers run that send changes and ask Flymake.
  (eglot--signal-textDocument/didChange)
  (flymake-start)
  (test-wait 300 (lambda ()
                  (seq-some (lambda (text)
                              (and (string-search (getenv "TEST_EXPECTED") text)
                                   (not (string-search "provisional" text))))
                            (test-messages))))
  (test-note 'diagnostics (vconcat (test-messages)))
  (back-to-indentation)
  (let (shown)
    (eglot-hover-eldoc-function (lambda (text &rest _) (setq shown text)))
    (test-wait 300 (lambda () shown))
    (test-note 'hover (if shown (substring-no-properties shown) ""))))

(let ((debug-on-error nil))
  (condition-case problem (test-session)
    (error (test-note 'problem (error-message-string problem)))))
(write-region (json-encode test-result) nil (getenv "TEST_RESULT"))
(set-buffer-modified-p nil)
(kill-emacs 0)
