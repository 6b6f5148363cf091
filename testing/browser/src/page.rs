//! What a person sees and presses.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::{Browser, BrowserError, PATIENCE, path};

/// How fast a page was there, milliseconds since its navigation began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timings {
    /// The first byte of the answer.
    pub first_byte: f64,
    /// The document is parsed, its scripts have run: a person can use it.
    pub interactive: f64,
    /// Something is painted.
    pub painted: f64,
}

impl Browser {
    /// Goes to an address and waits until its document is there.
    pub fn go(&mut self, url: &str) -> Result<(), BrowserError> {
        let answer = self.ask("Page.navigate", json!({ "url": url }))?;
        if let Some(error) = answer["errorText"].as_str() {
            return Err(BrowserError::Refused { method: format!("go {url}"), why: error.to_owned() });
        }
        self.until("document.readyState === 'complete'", "the page")
    }

    /// Value of an expression in the page.
    pub fn eval(&mut self, expression: &str) -> Result<Value, BrowserError> {
        let asked = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", asked)?;
        match answer.get("exceptionDetails") {
            Some(why) => Err(BrowserError::Refused { method: expression.to_owned(), why: why.to_string() }),
            None => Ok(answer["result"]["value"].clone()),
        }
    }

    /// Text of the page, as a person reads it. While one page is exchanged for the next there is none: it is waited for.
    pub fn text(&mut self) -> Result<String, BrowserError> {
        let begun = Instant::now();
        loop {
            match self.eval("document.body?.innerText") {
                Ok(Value::String(text)) => return Ok(text),
                Err(error) if begun.elapsed() > PATIENCE => return Err(error),
                Ok(_) if begun.elapsed() > PATIENCE => return Ok(String::new()),
                _ => std::thread::sleep(Duration::from_millis(20)),
            }
        }
    }

    /// Address of the page.
    pub fn url(&mut self) -> Result<String, BrowserError> {
        Ok(self.eval("location.href")?.as_str().unwrap_or_default().to_owned())
    }

    /// Waits until an expression is true.
    pub fn until(&mut self, expression: &str, what: &str) -> Result<(), BrowserError> {
        self.within(PATIENCE, expression, what).map(drop)
    }

    /// The same within a time; says how long it took.
    pub fn within(&mut self, time: Duration, expression: &str, what: &str) -> Result<Duration, BrowserError> {
        let begun = Instant::now();
        loop {
            // While a page is exchanged for the next nothing can be asked.
            if self.eval(expression).is_ok_and(|value| value == true) {
                return Ok(begun.elapsed());
            }
            if begun.elapsed() > time {
                let page = self.text().unwrap_or_default();
                return Err(BrowserError::NotSeen { what: what.to_owned(), page });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Waits until the page says something.
    pub fn sees(&mut self, words: &str) -> Result<(), BrowserError> {
        let expression = format!("document.body?.innerText.includes({})", json!(words));
        self.until(&expression, &format!("`{words}`"))
    }

    /// Presses what a selector names, as a mouse does. A page that renews itself may take it away between two questions,
    /// so it is sought and pressed in one.
    pub fn press(&mut self, selector: &str) -> Result<(), BrowserError> {
        let quoted = json!(selector);
        self.until(&format!("!!document.querySelector({quoted})"), selector)?;
        let found = format!("(e => !!e && (e.click(), true))(document.querySelector({quoted}))");
        let begun = Instant::now();
        while self.eval(&found)? != true {
            if begun.elapsed() > PATIENCE {
                let page = self.text().unwrap_or_default();
                return Err(BrowserError::NotSeen { what: selector.to_owned(), page });
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Presses a button that sends a form, and waits until the answer's document is there.
    pub fn send(&mut self, selector: &str) -> Result<(), BrowserError> {
        self.until(&format!("!!document.querySelector({})", json!(selector)), selector)?;
        self.eval("window.before = true")?;
        self.press(selector)?;
        self.until("!window.before && document.readyState === 'complete'", "the next page")
    }

    /// Types into what a selector names, as from a keyboard; what stood there is gone.
    pub fn write(&mut self, selector: &str, text: &str) -> Result<(), BrowserError> {
        let quoted = json!(selector);
        self.until(&format!("!!document.querySelector({quoted})"), selector)?;
        self.eval(&format!("(() => {{ const f = document.querySelector({quoted}); f.focus(); f.value = ''; }})()"))?;
        self.type_in(text)
    }

    /// Types into what has the keyboard.
    pub fn type_in(&mut self, text: &str) -> Result<(), BrowserError> {
        self.ask("Input.insertText", json!({ "text": text })).map(drop)
    }

    /// Chooses a file in a form.
    pub fn upload(&mut self, selector: &str, file: &Path) -> Result<(), BrowserError> {
        let quoted = json!(selector);
        self.until(&format!("!!document.querySelector({quoted})"), selector)?;
        let field = json!({ "expression": format!("document.querySelector({quoted})"), "returnByValue": false });
        let found = self.ask("Runtime.evaluate", field)?;
        let chosen = json!({ "files": [path(file)], "objectId": found["result"]["objectId"] });
        self.ask("DOM.setFileInputFiles", chosen).map(drop)
    }

    /// Presses a key: `Tab`, `Enter` or `Space`.
    pub fn key(&mut self, key: &str) -> Result<(), BrowserError> {
        let (code, number, text) = match key {
            "Tab" => ("Tab", 9, ""),
            "Enter" => ("Enter", 13, "\r"),
            _ => ("Space", 32, " "),
        };
        for kind in ["keyDown", "keyUp"] {
            let mut event = json!({ "type": kind, "key": key, "code": code, "windowsVirtualKeyCode": number });
            if kind == "keyDown" && !text.is_empty() {
                event["text"] = json!(text);
            }
            self.ask("Input.dispatchKeyEvent", event)?;
        }
        Ok(())
    }

    /// Presses Tab until what a selector names has the keyboard, at most so many times.
    pub fn tab_to(&mut self, selector: &str, at_most: usize) -> Result<(), BrowserError> {
        let reached = format!("document.activeElement?.matches({})", json!(selector));
        for _ in 0..=at_most {
            if self.eval(&reached).is_ok_and(|value| value == true) {
                return Ok(());
            }
            self.key("Tab")?;
        }
        let page = self.text().unwrap_or_default();
        Err(BrowserError::NotSeen { what: format!("{selector} by keyboard"), page })
    }

    /// The whole page as PNG.
    pub fn screenshot(&mut self, file: &Path) -> Result<(), BrowserError> {
        let asked = json!({ "format": "png", "captureBeyondViewport": true });
        let answer = self.ask("Page.captureScreenshot", asked)?;
        let bytes = BASE64.decode(answer["data"].as_str().unwrap_or_default());
        let bytes = bytes.map_err(|e| BrowserError::Tool(format!("a screenshot: {e}")))?;
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(BrowserError::io(path(folder)))?;
        }
        fs::write(file, bytes).map_err(BrowserError::io(path(file)))
    }

    /// Another size of the window, and light or dark colours.
    pub fn appear(&mut self, (width, height): (u32, u32), dark: bool) -> Result<(), BrowserError> {
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", metrics)?;
        let scheme = if dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.ask("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// What is wrong with the page for who cannot see, has no mouse, or a small screen (WCAG 2.2 level AA, as far as a
    /// program can tell; JIS X 8341-3). Empty for a sound page.
    pub fn unsound(&mut self) -> Result<Vec<String>, BrowserError> {
        let said = self.eval(include_str!("soundness.js"))?;
        let words = said.as_array().into_iter().flatten().filter_map(|one| one.as_str().map(str::to_owned));
        Ok(words.collect())
    }

    /// Lets pages run scripts, or not.
    pub fn scripts(&mut self, run: bool) -> Result<(), BrowserError> {
        self.ask("Emulation.setScriptExecutionDisabled", json!({ "value": !run })).map(drop)
    }

    /// The value of a cookie, as only the browser itself can tell it.
    pub fn cookie(&mut self, name: &str) -> Result<String, BrowserError> {
        let held = self.ask("Network.getCookies", json!({}))?;
        let found = held["cookies"].as_array().and_then(|all| all.iter().find(|c| c["name"] == name)).cloned();
        Ok(found.and_then(|c| c["value"].as_str().map(str::to_owned)).unwrap_or_default())
    }

    /// How fast the present page was there.
    pub fn timings(&mut self) -> Result<Timings, BrowserError> {
        let said = self.eval(
            "(() => { const n = performance.getEntriesByType('navigation')[0]; \
             const p = performance.getEntriesByName('first-contentful-paint')[0]; \
             return [n.responseStart, n.domContentLoadedEventEnd, p ? p.startTime : 0]; })()",
        )?;
        let number = |at: usize| said[at].as_f64().unwrap_or_default();
        Ok(Timings { first_byte: number(0), interactive: number(1), painted: number(2) })
    }
}
