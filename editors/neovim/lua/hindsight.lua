-- Hindsight's language server for Neovim, 0.7 and later, without any other plugin.
local M = {}

local defaults = {
  cmd = { "hindsight", "lsp" },
  -- Inlay hints, where this Neovim has them (0.10 and later); older ones get diagnostics and hover.
  inlay_hints = true,
  settings = {},
}

local function project_root(file)
  local directory = vim.fn.fnamemodify(file, ":p:h")
  local markers = { ".hindsight", ".git" }
  local current = directory
  while true do
    for _, marker in ipairs(markers) do
      if vim.fn.empty(vim.fn.glob(vim.fn.fnameescape(current .. "/" .. marker))) == 0 then
        return current
      end
    end
    local parent = vim.fn.fnamemodify(current, ":h")
    if parent == current then
      return directory
    end
    current = parent
  end
end

local function on_attach(options)
  return function(client, buffer)
    if options.inlay_hints and vim.lsp.inlay_hint and client.server_capabilities.inlayHintProvider then
      if type(vim.lsp.inlay_hint) == "table" then
        vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
      end
    end
    if options.on_attach then
      options.on_attach(client, buffer)
    end
  end
end

-- Neovim 0.7 has no vim.lsp.start: one client for each root is kept here.
local clients = {}

local function start_and_attach(config, buffer)
  if vim.lsp.start then
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  local id = clients[config.root_dir]
  if not id or not vim.lsp.get_client_by_id(id) then
    id = vim.lsp.start_client(config)
    clients[config.root_dir] = id
  end
  if id then
    vim.lsp.buf_attach_client(buffer, id)
  end
end

local function attach(options, buffer)
  local file = vim.api.nvim_buf_get_name(buffer)
  if file == "" or vim.bo[buffer].buftype ~= "" then
    return
  end
  local root = project_root(file)
  start_and_attach({
    name = "hindsight",
    cmd = options.cmd,
    root_dir = root,
    workspace_folders = { { uri = vim.uri_from_fname(root), name = root } },
    settings = options.settings,
    init_options = options.settings,
    capabilities = options.capabilities or vim.lsp.protocol.make_client_capabilities(),
    on_attach = on_attach(options),
  }, buffer)
end

--- Attaches Hindsight to Python buffers, those that are open included.
function M.setup(options)
  options = vim.tbl_extend("force", defaults, options or {})
  local group = vim.api.nvim_create_augroup("hindsight", { clear = true })
  vim.api.nvim_create_autocmd("FileType", {
    group = group,
    pattern = "python",
    callback = function(event)
      attach(options, event.buf)
    end,
  })
  for _, buffer in ipairs(vim.api.nvim_list_bufs()) do
    if vim.api.nvim_buf_is_loaded(buffer) and vim.bo[buffer].filetype == "python" then
      attach(options, buffer)
    end
  end
end

return M
