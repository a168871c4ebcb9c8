-- A user's init.lua: what editors/neovim/README.md says, with the paths of this test.
vim.opt.runtimepath:append(os.getenv("TEST_SETUP"))
require("hindsight").setup({ cmd = { os.getenv("TEST_SERVER"), "lsp" } })
