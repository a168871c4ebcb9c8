import * as vscode from "vscode";
import { LanguageClient, LanguageClientOptions, ServerOptions } from "vscode-languageclient/node";

let client: LanguageClient | undefined;

export async function activate(context: vscode.ExtensionContext): Promise<void> {
  context.subscriptions.push(
    vscode.commands.registerCommand("hindsight.restartServer", restart),
    vscode.workspace.onDidChangeConfiguration(async (change) => {
      const ofTheStart = ["hindsight.serverPath", "hindsight.serverArguments"];
      if (ofTheStart.some((name) => change.affectsConfiguration(name))) {
        await restart();
      }
    }),
  );
  await start();
}

export async function deactivate(): Promise<void> {
  await stop();
}

async function start(): Promise<void> {
  const settings = vscode.workspace.getConfiguration("hindsight");
  const command = settings.get<string>("serverPath", "hindsight");
  const serverOptions: ServerOptions = {
    command,
    args: settings.get<string[]>("serverArguments", ["lsp"]),
  };
  const clientOptions: LanguageClientOptions = {
    documentSelector: [{ scheme: "file", language: "python" }],
    synchronize: { configurationSection: "hindsight" },
  };
  client = new LanguageClient("hindsight", "Hindsight", serverOptions, clientOptions);
  try {
    await client.start();
  } catch (error) {
    client = undefined;
    const reason = error instanceof Error ? error.message : String(error);
    const open = "Open Settings";
    const choice = await vscode.window.showErrorMessage(
      `Hindsight's server "${command}" could not be started (${reason}). Is it built and on PATH?`,
      open,
    );
    if (choice === open) {
      await vscode.commands.executeCommand("workbench.action.openSettings", "hindsight.serverPath");
    }
  }
}

async function stop(): Promise<void> {
  const running = client;
  client = undefined;
  await running?.stop();
}

async function restart(): Promise<void> {
  await stop();
  await start();
}
