import { chromium } from '@playwright/test'
const base='http://127.0.0.1:18471'
const b = await chromium.launch({executablePath:'/usr/bin/chromium', args:['--no-sandbox','--disable-gpu']})
const p = await (await b.newContext({viewport:{width:1080,height:1920}})).newPage()
p.on('console', m=>{ if(m.type()==='error') console.log('ERR', m.text()) }); p.on('pageerror', e=>console.log('PAGEERR', e.message))
const lang = process.argv[2] ?? 'zh'
const shot = async n => { await p.waitForTimeout(500); await p.screenshot({path:`/tmp/kd/shots/${lang}-${n}.png`}) }
const L = (zh,en)=> lang==='en'?en:zh
const demo = await (await fetch(base+'/api/try/kiosk')).json(); console.log(demo)
const type = async s => { for (const c of s) await p.keyboard.press(c) }
const en = async()=>{ if(lang==='en' && await p.getByRole('button',{name:'English'}).count()) await p.getByRole('button',{name:'English'}).click() }
await p.goto(base+'/kiosk'); await p.waitForTimeout(1000); await en(); await shot('setup')
await p.getByRole('button',{name:L('启用演示自助机','Start the demo kiosk')}).click(); await p.waitForTimeout(800); await en(); await shot('home')
await p.locator('.tile.first').click(); await shot('code')
await type('00000000'); await p.keyboard.press('Enter'); await p.waitForTimeout(500); await shot('code-wrong')
await p.getByRole('button',{name:L('身份证','ID'),exact:true}).click(); await type(demo.id_number); await shot('id')
await p.getByRole('button',{name:L('字母','ABC')}).click(); await shot('letters')
await p.getByRole('button',{name:L('账号密码','Account'),exact:true}).click(); await type(demo.number); await p.getByRole('button',{name:L('下一步','Next')}).click(); await type(demo.pin.slice(0,4)); await shot('account')
await p.getByRole('button',{name:L('预约码','Code'),exact:true}).first().click()
if (demo.code) { await type(demo.code); await p.getByRole('button',{name:L('确定','OK'),exact:true}).click(); await p.waitForTimeout(900); await shot('visits')
 await p.getByRole('button',{name:L('签到取号','Check in')}).first().click(); await p.waitForTimeout(900); await shot('slip')
 await p.screenshot({path:`/tmp/kd/shots/${lang}-slip-full.png`, fullPage:true})
 await p.emulateMedia({media:'print'}); await p.screenshot({path:`/tmp/kd/shots/${lang}-print.png`}); await p.emulateMedia({media:'screen'}) }
await p.getByRole('button',{name:L('返回','Back')}).click(); await shot('menu')
await p.locator('.tile',{hasText:L('预付卡','Member card')}).click(); await shot('pin')
await type('111222'); await p.keyboard.press('Enter'); await p.waitForTimeout(700); await shot('pin-wrong')
await type(demo.pin); await p.keyboard.press('Enter'); await p.waitForTimeout(900); await shot('card')
await p.getByRole('button',{name:L('返回','Back')}).click()
await p.locator('.tile',{hasText:L('预约挂号','Book a visit')}).click(); await p.waitForTimeout(700); await shot('book')
await p.locator('.tile').nth(1).click(); await p.waitForTimeout(900); await shot('clinics')
await p.locator('.tile').first().click(); await shot('confirm')
await p.getByRole('button',{name:L('用预付卡支付','by member card')}).click(); await shot('pay')
await type(demo.pin); await p.keyboard.press('Enter'); await p.waitForTimeout(1000); await shot('booked')
await p.getByRole('button',{name:L('返回','Back')}).click(); await p.locator('.tile',{hasText:L('院内导航','Find the way')}).click(); await p.waitForTimeout(600); await shot('guide')
await p.locator('.tile').nth(3).click(); await shot('way'); 
await p.getByRole('button',{name:L('全部科室','All clinics')}).click(); await p.locator('.tile').last().click(); await shot('way-far')
await p.waitForTimeout(45500); await shot('still'); await p.waitForTimeout(14000); await shot('ended')
await b.close()
