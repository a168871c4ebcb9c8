-- Types a line into the opened file and writes what Neovim itself then knows to $TEST_RESULT, as JSON.
local result = { typed = false, diagnostics = {}, hover = "" }

local function finish()
  local file = assert(io.open(os.getenv("TEST_RESULT"), "w"))
  file:write(vim.fn.json_encode(result))
  file:close()
  vim.cmd("qall!")
end

local function session()
  local function clients()
    return vim.lsp.get_clients and vim.lsp.get_clients() or vim.lsp.get_active_clients()
  end
  vim.wait(300000, function()
    return #clients() > 0 and clients()[1].initialized
  end, 20)

  local anchor = vim.fn.search("\\V" .. vim.fn.escape(os.getenv("TEST_ANCHOR"), "\\"), "w")
  assert(anchor > 0, "the anchor is not in the file")
  -- As keys: a new line below, without the indentation that the editor offers, then the text.
  local keys = vim.api.nvim_replace_termcodes("o<C-u>", true, false, true)
    .. os.getenv("TEST_TEXT")
    .. vim.api.nvim_replace_termcodes("<Esc>", true, false, true)
  vim.api.nvim_feedkeys(keys, "tx", false)
  result.line = vim.fn.line(".")
  result.text = vim.fn.getline(".")
  result.typed = true

  local function messages()
    local found = {}
    for _, diagnostic in ipairs(vim.diagnostic.get(0)) do
      if diagnostic.lnum == result.line - 1 then
        table.insert(found, diagnostic.message)
      end
    end
    return found
  end
  local expected = os.getenv("TEST_EXPECTED")
  vim.wait(300000, function()
    local text = table.concat(messages(), "\n")
    return text:find(expected, 1, true) and not text:find("provisional", 1, true)
  end, 50)
  result.diagnostics = messages()

  vim.cmd("normal! ^")
  vim.lsp.buf.hover()
  vim.wait(300000, function()
    for _, window in ipairs(vim.api.nvim_list_wins()) do
      if vim.api.nvim_win_get_config(window).relative ~= "" then
        local buffer = vim.api.nvim_win_get_buf(window)
        result.hover = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")
        return true
      end
    end
    return false
  end, 20)
end

local fine, problem = pcall(session)
if not fine then
  result.problem = tostring(problem)
end
finish()
